import { quoted } from './identifier.ts'
import { MigrationError, reasonOf } from './migration-error.ts'

/** One session on which migrations are applied: it may write, and holds the lock that others wait for. */
export interface MigrationSession {
  /** Runs a text of any number of statements, without parameters. @throws what the driver throws */
  run(text: string): Promise<void>
  /** Runs one statement. */
  query(
    sql: string,
    params?: readonly (string | number | boolean)[],
  ): Promise<readonly (readonly unknown[])[]>
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

/** The journal's name as SQL has it. */
export function journalName({ journal }: MigrationSet): string {
  return `${quoted(journal.schema)}.${quoted(journal.table)}`
}

/** A migration as people are told of it. */
export function migrationName({ owner }: MigrationSet, tag: string): string {
  return owner === 'engine' ? `${tag} of the engine` : tag
}

/** Runs what Postgres may refuse. @throws {MigrationError} that says what was tried, and why it did not work. */
export async function explained<T>(what: string, run: () => Promise<T>, remedy = ''): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const reason = reasonOf(error)
    if (!reason) throw error
    throw new MigrationError(`${what}: ${reason.message} (SQLSTATE ${reason.code})${remedy}`, reason.code)
  }
}
