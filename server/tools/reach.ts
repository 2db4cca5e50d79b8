import { type SQL, sql } from 'drizzle-orm'
import { SYSTEM_FIELDS } from '../../drizzle/engine/collection.ts'
import { type CatalogEntry, readingOf } from './catalog.ts'

/** What a list or a count can see of a collection. Each says it: there is no default that would be everything. */
export interface Reach {
  /** With the fields that can be seen; others do not exist. */
  readonly entry: CatalogEntry
  /** The condition that a record must meet; never NULL-sensitive, since it stands in a WHERE clause. */
  readonly within: SQL
  /** Whether it leaves out no record and no field. */
  readonly seesAll: boolean
  /** Who reads: cursors of one reader are refused to another. */
  readonly reader: string
}

/** The app's own authority: every record, every field. */
export function everything(entry: CatalogEntry): Reach {
  return { entry, within: sql`true`, seesAll: true, reader: 'app' }
}

/** A collection with some of its fields; the system's are always among them. */
export function narrowed(entry: CatalogEntry, includes: (field: string) => boolean): CatalogEntry {
  const system: ReadonlySet<string> = new Set(SYSTEM_FIELDS)
  const columns = new Map([...entry.columns].filter(([field]) => system.has(field) || includes(field)))
  return { ...entry, ...readingOf(columns, entry.fields.filter(includes)) }
}
