import { setTimeout as pause } from 'node:timers/promises'
import { explainFailure, MigrationError, reasonOf } from './migration-error.ts'
import { type Migration, readMigrations } from './migration-folder.ts'
import {
  type AppliedMigration,
  type MigrationJournal,
  noteApplied,
  prepareJournal,
  readJournal,
} from './migration-journal.ts'
import { explained, type MigrationSession, type MigrationSet, migrationName } from './migration-set.ts'
import { inTurn } from './migration-turn.ts'

/** What a database has of a set, and what it lacks. */
export interface MigrationPlan {
  readonly set: MigrationSet
  readonly migrations: readonly Migration[]
  readonly journal: MigrationJournal
  /** What is applied of the folder, by its tag. */
  readonly known: ReadonlyMap<string, AppliedMigration>
  readonly pending: readonly Migration[]
  readonly unknown: readonly UnknownMigration[]
}

/** What the database has and the folder has not: a newer version applied it, or a file was deleted. */
export interface UnknownMigration {
  readonly name: string
  readonly isSafeForOlder: boolean
}

export interface MigrationReport {
  /** The files that were applied now. */
  readonly applied: readonly string[]
  /** What the database has and the folder has not; servers that do not know it may go on. */
  readonly unknown: readonly string[]
}

export interface ApplyOptions {
  /** For how long a file is tried again while others hold its tables, in milliseconds. */
  readonly lockPatienceMs: number
  /** Refuses what the database has, before a file is applied. */
  readonly check: (plan: MigrationPlan) => void
}

const BREAKPOINT = '--> statement-breakpoint'
/** While a statement waits for a table, all that come after it wait behind it; a call waits up to 5 s. */
const LOCK_TIMEOUT_MS = 1_000
/** Between two tries those go on that had to wait. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 4_000
/** lock_not_available, deadlock_detected */
const HELD: ReadonlySet<string | undefined> = new Set(['55P03', '40P01'])

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
 * Applies what is missing, in the order of the folder's journal, each file in a transaction of its own, and looks again
 * before each: another server may have come in between.
 *
 * @throws {MigrationError} when one fails.
 */
export async function applyMigrations(
  session: MigrationSession,
  set: MigrationSet,
  options: ApplyOptions,
): Promise<MigrationReport> {
  const applied: string[] = []
  for (;;) {
    const { tag, unknown } = await whenFree(options, () => applyNext(session, set, options))
    if (tag === undefined) return { applied, unknown: unknown.map(({ name }) => name) }
    applied.push(tag)
  }
}

const CHANGED = {
  app: 'Restore the file as it was committed, and put the change into a new migration: deputy generate.',
  engine:
    'Start the version of the engine that made this database, or give this version a database of its own.',
} as const

/** Which files are applied. Rows that Drizzle wrote have no name: they are known by their content, then their stamp. */
function match(
  set: MigrationSet,
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): Pick<MigrationPlan, 'known' | 'unknown'> {
  const known = new Map<string, AppliedMigration>()
  const unknown: UnknownMigration[] = []
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
      const name = row.tag ?? `${row.hash.slice(0, 12)} of ${new Date(row.when).toISOString()}`
      unknown.push({ name, isSafeForOlder: row.isSafeForOlder })
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

/** Tries again while others hold the tables: nothing was kept of a file that had to give up. */
async function whenFree<T>({ lockPatienceMs }: ApplyOptions, applyFile: () => Promise<T>): Promise<T> {
  const end = Date.now() + lockPatienceMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await applyFile()
    } catch (error) {
      const isHeld = error instanceof MigrationError && HELD.has(error.sqlstate)
      if (!isHeld || Date.now() + pauseMs > end) throw error
    }
    await pause(pauseMs)
  }
}

interface NextMigration {
  /** What was applied; undefined when nothing was missing. */
  readonly tag: string | undefined
  readonly unknown: readonly UnknownMigration[]
}

function applyNext(
  session: MigrationSession,
  set: MigrationSet,
  { check }: ApplyOptions,
): Promise<NextMigration> {
  let file: string | undefined
  const commit = () => session.run('commit')
  return inTurn(
    session,
    async () => {
      const plan = await planMigrations(session, set)
      check(plan)
      const { migrations, journal, known, pending, unknown } = plan
      const [next] = pending
      if (!next) return { tag: undefined, unknown }
      file = fileName(set, next.tag)
      await prepareJournal(session, set, journal, known)
      const after = migrations.slice(migrations.indexOf(next) + 1).filter(({ tag }) => known.has(tag))
      await apply(session, set, next, after.at(-1)?.tag)
      return { tag: next.tag, unknown }
    },
    () =>
      file === undefined ? commit() : explained(`Migration ${file} failed when it was committed`, commit),
  )
}

async function apply(
  session: MigrationSession,
  set: MigrationSet,
  migration: Migration,
  appliedLater: string | undefined,
): Promise<void> {
  const file = fileName(set, migration.tag)
  await session.run(bounds(set))
  for (const statement of migration.text.split(BREAKPOINT)) {
    if (statement.trim() === '') continue
    try {
      await session.run(statement)
    } catch (error) {
      const reason = reasonOf(error)
      if (!reason) throw error
      const told = explainFailure({ file, statement, text: migration.text, appliedLater, reason })
      throw new MigrationError(told, reason.code)
    }
  }
  await noteApplied(session, set, migration)
}

function bounds({ hiddenSchema }: MigrationSet): string {
  const bound = `set local lock_timeout = ${LOCK_TIMEOUT_MS}`
  return hiddenSchema === undefined ? bound : `${bound}; ${hide(hiddenSchema)}`
}

/** A role that is named as a schema has it first on its search path, and would make its tables there. */
function hide(schema: string): string {
  const name = `'${schema.replaceAll("'", "''")}'`
  return `select set_config('search_path', array_to_string(array(
    select quote_ident(path) from unnest(current_schemas(false)) path where path <> ${name}), ', '), true)
    where ${name} = any(current_schemas(false))`
}

function fileName(set: MigrationSet, tag: string): string {
  return migrationName(set, `${tag}.sql`)
}
