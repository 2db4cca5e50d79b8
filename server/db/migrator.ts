import { quoted } from './identifier.ts'
import { explainFailure, MigrationError, reasonOf } from './migration-error.ts'
import { type Migration, readMigrations } from './migration-folder.ts'

/** One session on which migrations are applied: it may write, and holds the lock that others wait for. */
export interface MigrationSession {
  /** Runs a text of any number of statements, without parameters. @throws what the driver throws */
  run(text: string): Promise<void>
  /** Runs one statement. */
  query(sql: string, params?: readonly (string | number)[]): Promise<readonly (readonly unknown[])[]>
}

/** A folder of migrations, and what is to be known of it. */
export interface MigrationSet {
  /** Whose tables it makes. */
  readonly owner: 'app' | 'engine'
  /** The folder that drizzle-kit wrote. */
  readonly folder: string
  /** Where it is noted what was applied; Drizzle's own table has the same form. */
  readonly journal: { readonly schema: string; readonly table: string }
  /** A schema in which no unqualified name of a file may end up, though the role's search path begins with it. */
  readonly hiddenSchema?: string
}

/** What a database has of a set, and what it lacks. */
export interface MigrationPlan {
  readonly set: MigrationSet
  readonly migrations: readonly Migration[]
  readonly journal: Journal
  /** What is applied of the folder, by its tag. */
  readonly known: ReadonlyMap<string, Applied>
  readonly pending: readonly Migration[]
  readonly unknown: readonly string[]
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

/** The table in which it is noted what was applied. */
interface Journal {
  readonly hasTable: boolean
  readonly hasTags: boolean
  readonly applied: readonly Applied[]
}

/**
 * Compares a folder with what the database says was applied of it, and changes nothing. A migration is known by its name
 * and content, not by its stamp: a file that was merged later is not skipped.
 *
 * @throws {MigrationError} when a file that was applied has changed, or it cannot be read what was applied.
 */
export async function planMigrations(session: MigrationSession, set: MigrationSet): Promise<MigrationPlan> {
  const migrations = readMigrations(set.folder)
  const journal = await readJournal(session, set)
  const { known, unknown } = match(set, migrations, journal.applied)
  const pending = migrations.filter(({ tag }) => !known.has(tag))
  return { set, migrations, journal, known, pending, unknown }
}

/**
 * Applies what is missing, in the order of the folder's journal, each file in a transaction of its own.
 *
 * @throws {MigrationError} when one fails.
 */
export async function applyMigrations(
  session: MigrationSession,
  plan: MigrationPlan,
): Promise<MigrationReport> {
  const { migrations, known, pending, unknown } = plan
  if (pending.length > 0) await prepareJournal(session, plan)
  for (const migration of pending) {
    const after = migrations.slice(migrations.indexOf(migration) + 1).filter(({ tag }) => known.has(tag))
    await apply(session, plan.set, migration, after.at(-1)?.tag)
  }
  return { applied: pending.map(({ tag }) => tag), unknown }
}

const JOURNAL_COLUMNS = ['id', 'hash', 'created_at'] as const

async function readJournal(session: MigrationSession, set: MigrationSet): Promise<Journal> {
  const name = journalName(set)
  return explained(`The table ${name}, in which it is noted what was applied, cannot be read`, async () => {
    const found = await session.query(
      'select attname::text from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped',
      [name],
    )
    const columns = found.map(([column]) => String(column))
    const hasTags = columns.includes('tag')
    if (columns.length === 0) return { hasTable: false, hasTags, applied: [] }
    const missing = JOURNAL_COLUMNS.filter((column) => !columns.includes(column))
    if (missing.length > 0) {
      throw new MigrationError(
        `The table ${name} has no column ${missing.join(', ')}, so it cannot tell which migrations were applied. It is not Deputy's: rename it, or use a database of its own.`,
      )
    }
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
  })
}

const CHANGED = {
  app: 'Restore the file as it was committed, and put the change into a new migration: npm run db:generate.',
  engine:
    'Start the version of the engine that made this database, or give this version a database of its own.',
} as const

/** Which files are applied. Rows that Drizzle wrote have no name: they are known by their content, then their stamp. */
function match(set: MigrationSet, migrations: readonly Migration[], applied: readonly Applied[]) {
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
        `Migration ${fileName(set, found.tag)} was applied with another content than it has now. ${CHANGED[set.owner]}`,
      )
    }
    known.set(found.tag, row)
  }
  return { known, unknown }
}

/** Makes the table in which it is noted, or gives Drizzle's the names of what it has. */
async function prepareJournal(
  session: MigrationSession,
  { set, journal, known }: MigrationPlan,
): Promise<void> {
  const name = journalName(set)
  if (!journal.hasTable) await makeSchema(session, set.journal.schema)
  await explained(`The table ${name}, in which it is noted what was applied, cannot be made`, async () => {
    if (!journal.hasTable) {
      await session.run(
        `create table ${name} (id serial primary key, hash text not null, created_at bigint, tag text)`,
      )
    } else if (!journal.hasTags) await session.run(`alter table ${name} add column tag text`)
    for (const [tag, row] of known) {
      if (row.tag === undefined)
        await session.query(`update ${name} set tag = $1 where id = $2`, [tag, row.id])
    }
  })
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

async function apply(
  session: MigrationSession,
  set: MigrationSet,
  { tag, when, text, hashes }: Migration,
  appliedLater: string | undefined,
): Promise<void> {
  const file = fileName(set, tag)
  await session.run(set.hiddenSchema === undefined ? 'begin' : `begin; ${hide(set.hiddenSchema)}`)
  try {
    for (const statement of text.split(BREAKPOINT)) {
      if (statement.trim() === '') continue
      try {
        await session.run(statement)
      } catch (error) {
        const reason = reasonOf(error)
        if (!reason) throw error
        throw new MigrationError(explainFailure({ file, statement, text, appliedLater, reason }))
      }
    }
    await session.query(`insert into ${journalName(set)} (hash, created_at, tag) values ($1, $2, $3)`, [
      hashes[0],
      when,
      tag,
    ])
    await explained(`Migration ${file} failed when it was committed`, () => session.run('commit'))
  } catch (error) {
    // A connection that is lost has rolled it back already.
    await session.run('rollback').catch(() => {})
    throw error
  }
}

/** A role that is named as a schema has it first on its search path, and would make its tables there. */
function hide(schema: string): string {
  const name = `'${schema.replaceAll("'", "''")}'`
  return `select set_config('search_path', array_to_string(array(
    select quote_ident(path) from unnest(current_schemas(false)) path where path <> ${name}), ', '), true)
    where ${name} = any(current_schemas(false))`
}

function journalName({ journal }: MigrationSet): string {
  return `${quoted(journal.schema)}.${quoted(journal.table)}`
}

function fileName({ owner }: MigrationSet, tag: string): string {
  return owner === 'engine' ? `${tag}.sql of the engine` : `${tag}.sql`
}

async function explained<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const reason = reasonOf(error)
    if (!reason) throw error
    throw new MigrationError(`${what}: ${reason.message} (SQLSTATE ${reason.code})`)
  }
}
