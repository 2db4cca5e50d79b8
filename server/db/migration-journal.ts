import { quoted } from './identifier.ts'
import { MigrationError } from './migration-error.ts'
import type { Migration } from './migration-folder.ts'
import { explained, journalName, type MigrationSession, type MigrationSet } from './migration-set.ts'

/** A row of the journal. */
export interface AppliedMigration {
  readonly id: number
  readonly hash: string
  readonly when: number
  /** Rows that Drizzle wrote have none. */
  readonly tag: string | undefined
  /** Whether servers that do not have the file may start. */
  readonly isSafeForOlder: boolean
}

/** The table in which it is noted what was applied. */
export interface MigrationJournal {
  readonly hasTable: boolean
  /** Whether it has all columns: Drizzle's own has some of them. */
  readonly isComplete: boolean
  readonly applied: readonly AppliedMigration[]
}

const REQUIRED = ['id', 'hash', 'created_at'] as const
const READ_REMEDY =
  '. A role that only serves needs USAGE on the schemas deputy and drizzle, and SELECT on their journals: docs/database.md has the GRANTs.'

/** Reads what was applied of a set. @throws {MigrationError} when it cannot be read. */
export async function readJournal(session: MigrationSession, set: MigrationSet): Promise<MigrationJournal> {
  const name = journalName(set)
  const read = async (): Promise<MigrationJournal> => {
    const found = await session.query(
      'select attname::text from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped',
      [name],
    )
    const columns = found.map(([column]) => String(column))
    if (columns.length === 0) return { hasTable: false, isComplete: false, applied: [] }
    const missing = REQUIRED.filter((column) => !columns.includes(column))
    if (missing.length > 0) {
      throw new MigrationError(
        `The table ${name} has no column ${missing.join(', ')}, so it cannot tell which migrations were applied. It is not Deputy's: rename it, or use a database of its own.`,
      )
    }
    const [hasTags, hasMarks] = [columns.includes('tag'), columns.includes('safe_for_older')]
    const rows = await session.query(
      `select id::text, hash, created_at::text, ${hasTags ? 'tag' : 'null::text'}, ${hasMarks ? 'safe_for_older::text' : "'false'"}
        from ${name} order by id`,
    )
    return { hasTable: true, isComplete: hasTags && hasMarks, applied: rows.map(readRow) }
  }
  return explained(
    `The table ${name}, in which it is noted what was applied, cannot be read`,
    read,
    READ_REMEDY,
  )
}

function readRow([id, hash, when, tag, isSafe]: readonly unknown[]): AppliedMigration {
  return {
    id: Number(id),
    hash: String(hash),
    when: Number(when),
    tag: typeof tag === 'string' ? tag : undefined,
    isSafeForOlder: isSafe === 'true',
  }
}

/** Makes the table in which it is noted, or gives Drizzle's the columns and the names that it lacks. */
export async function prepareJournal(
  session: MigrationSession,
  set: MigrationSet,
  journal: MigrationJournal,
  known: ReadonlyMap<string, AppliedMigration>,
): Promise<void> {
  const name = journalName(set)
  if (!journal.hasTable) await makeSchema(session, set.journal.schema)
  await explained(`The table ${name}, in which it is noted what was applied, cannot be made`, async () => {
    if (!journal.hasTable) {
      await session.run(
        `create table ${name} (id serial primary key, hash text not null, created_at bigint, tag text,
          safe_for_older boolean not null default false)`,
      )
    } else if (!journal.isComplete) {
      await session.run(
        `alter table ${name} add column if not exists tag text,
          add column if not exists safe_for_older boolean not null default false`,
      )
    }
    for (const [tag, row] of known) {
      if (row.tag === undefined)
        await session.query(`update ${name} set tag = $1 where id = $2`, [tag, row.id])
    }
  })
}

/** Notes that a file is applied, in its own transaction. */
export async function noteApplied(
  session: MigrationSession,
  set: MigrationSet,
  { tag, when, hashes, isSafeForOlder }: Migration,
): Promise<void> {
  await session.query(
    `insert into ${journalName(set)} (hash, created_at, tag, safe_for_older) values ($1, $2, $3, $4)`,
    [hashes[0], when, tag, isSafeForOlder],
  )
}

async function makeSchema(session: MigrationSession, schema: string): Promise<void> {
  const [exists] = await session.query('select 1 from pg_namespace where nspname = $1', [schema])
  if (exists) return
  const [[role] = []] = await session.query('select quote_ident(current_user)')
  await explained(
    `The schema ${quoted(schema)} cannot be made. Make it once, as a role that may create schemas in this database: CREATE SCHEMA ${quoted(schema)} AUTHORIZATION ${role}. The reason`,
    () => session.run(`create schema ${quoted(schema)}`),
  )
}
