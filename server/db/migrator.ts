import { explainFailure, MigrationError, reasonOf } from './migration-error.ts'
import { type Migration, readMigrations } from './migration-folder.ts'

/** One session on which migrations are applied: it may write, and holds the lock that others wait for. */
export interface MigrationSession {
  /** Runs a text of any number of statements, without parameters. @throws what the driver throws */
  run(text: string): Promise<void>
  /** Runs one statement. */
  query(sql: string, params?: readonly (string | number)[]): Promise<readonly (readonly unknown[])[]>
}

export interface MigratorOptions {
  /** The folder that drizzle-kit wrote. */
  readonly folder: string
  /** Where it is noted what was applied; Drizzle's own table has the same form. */
  readonly journal: { readonly schema: string; readonly table: string }
}

export interface MigrationReport {
  /** The files that were applied now. */
  readonly applied: readonly string[]
  /** What the database has and the folder has not: a newer version applied it, or a file was deleted. */
  readonly unknown: readonly string[]
}

interface Applied {
  readonly id: number
  readonly hash: string
  readonly when: number
  readonly tag: string | undefined
}

const BREAKPOINT = '--> statement-breakpoint'

/**
 * Applies the migrations that are missing, in the order of the journal, each file in a transaction of its own. What is
 * applied is known by its name and content, not by its stamp: a file that was merged later is not skipped.
 *
 * @throws {MigrationError} when a file that was applied has changed, or one fails.
 */
export async function applyMigrations(
  session: MigrationSession,
  { folder, journal }: MigratorOptions,
): Promise<MigrationReport> {
  const migrations = readMigrations(folder)
  const name = `${quoted(journal.schema)}.${quoted(journal.table)}`
  const state = await readApplied(session, name)
  const { known, unknown } = match(migrations, state.applied)
  const pending = migrations.filter(({ tag }) => !known.has(tag))
  if (pending.length > 0) await prepare(session, { name, schema: journal.schema, known, ...state })
  for (const migration of pending) {
    const after = migrations.slice(migrations.indexOf(migration) + 1).filter(({ tag }) => known.has(tag))
    await apply(session, name, migration, after.at(-1)?.tag)
  }
  return { applied: pending.map(({ tag }) => tag), unknown }
}

interface State {
  readonly hasTable: boolean
  readonly hasTags: boolean
  readonly applied: readonly Applied[]
}

async function readApplied(session: MigrationSession, name: string): Promise<State> {
  const columns = await session.query(
    'select attname::text from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped',
    [name],
  )
  const hasTags = columns.some(([column]) => column === 'tag')
  if (columns.length === 0) return { hasTable: false, hasTags, applied: [] }
  const rows = await session.query(
    `select id::text, hash, created_at::text, ${hasTags ? 'tag' : 'null::text'} from ${name} order by id`,
  )
  const applied = rows.map(([id, hash, when, tag]) => ({
    id: Number(id),
    hash: String(hash),
    when: Number(when),
    tag: typeof tag === 'string' ? tag : undefined,
  }))
  return { hasTable: true, hasTags, applied }
}

/** Which files are applied. Rows that Drizzle wrote have no name: they are known by their content, then their stamp. */
function match(migrations: readonly Migration[], applied: readonly Applied[]) {
  const known = new Map<string, Applied>()
  const unknown: string[] = []
  for (const row of applied) {
    const free = migrations.filter(({ tag }) => !known.has(tag))
    const hasContent = ({ hashes }: Migration) => hashes.includes(row.hash)
    const found =
      row.tag === undefined
        ? (free.find((file) => hasContent(file) && file.when === row.when) ??
          free.find(hasContent) ??
          free.find(({ when }) => when === row.when))
        : (free.find(({ tag }) => tag === row.tag) ?? free.find(hasContent))
    if (!found) {
      unknown.push(row.tag ?? `${row.hash.slice(0, 12)} of ${new Date(row.when).toISOString()}`)
      continue
    }
    if (!hasContent(found)) {
      throw new MigrationError(
        `Migration ${found.tag}.sql was applied with another content than it has now. Restore the file as it was committed, and put the change into a new migration: npm run db:generate.`,
      )
    }
    known.set(found.tag, row)
  }
  return { known, unknown }
}

/** Makes the table in which it is noted, or gives Drizzle's the names of what it has. */
async function prepare(
  session: MigrationSession,
  journal: State & {
    readonly name: string
    readonly schema: string
    readonly known: ReadonlyMap<string, Applied>
  },
): Promise<void> {
  const { name, schema, hasTable, hasTags, known } = journal
  await explained('The table of the migrations could not be made', async () => {
    if (!hasTable) {
      const [exists] = await session.query('select 1 from pg_namespace where nspname = $1', [schema])
      if (!exists) await session.run(`create schema ${quoted(schema)}`)
      await session.run(
        `create table ${name} (id serial primary key, hash text not null, created_at bigint, tag text)`,
      )
    } else if (!hasTags) await session.run(`alter table ${name} add column tag text`)
    for (const [tag, row] of known) {
      if (row.tag === undefined)
        await session.query(`update ${name} set tag = $1 where id = $2`, [tag, row.id])
    }
  })
}

async function apply(
  session: MigrationSession,
  name: string,
  { tag, when, text, hashes }: Migration,
  appliedLater: string | undefined,
): Promise<void> {
  await session.run('begin')
  try {
    for (const statement of text.split(BREAKPOINT)) {
      if (statement.trim() === '') continue
      try {
        await session.run(statement)
      } catch (error) {
        const reason = reasonOf(error)
        if (!reason) throw error
        throw new MigrationError(explainFailure({ tag, statement, text, appliedLater, reason }))
      }
    }
    await session.query(`insert into ${name} (hash, created_at, tag) values ($1, $2, $3)`, [
      hashes[0],
      when,
      tag,
    ])
    await explained(`Migration ${tag}.sql failed when it was committed`, () => session.run('commit'))
  } catch (error) {
    // A connection that is lost has rolled it back already.
    await session.run('rollback').catch(() => {})
    throw error
  }
}

async function explained(what: string, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    const reason = reasonOf(error)
    if (!reason) throw error
    throw new MigrationError(`${what}: ${reason.message} (SQLSTATE ${reason.code})`)
  }
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
