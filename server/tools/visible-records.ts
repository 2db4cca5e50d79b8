import { type SQL, sql } from 'drizzle-orm'
import { SYSTEM_FIELDS } from '../../drizzle/engine/collection.ts'
import { type CatalogEntry, readingOf } from './catalog.ts'

/** The records and fields of a collection that a list or a count can see. There is no default, which would be all. */
export interface VisibleRecords {
  /** The collection with the visible fields; others do not exist. */
  readonly entry: CatalogEntry
  /** The condition of a visible record, for a WHERE clause. */
  readonly within: SQL
  /** Whether every record and every field is visible. */
  readonly seesAll: boolean
  /** Who reads: cursors of one reader are refused to another. */
  readonly reader: string
}

/** Returns what the app sees by its own authority: every record and every field. */
export function allRecords(entry: CatalogEntry): VisibleRecords {
  return { entry, within: sql`true`, seesAll: true, reader: 'app' }
}

/** Copies a collection with some of its fields; the system's fields always stay. */
export function withFields(entry: CatalogEntry, includes: (field: string) => boolean): CatalogEntry {
  const system: ReadonlySet<string> = new Set(SYSTEM_FIELDS)
  const columns = new Map([...entry.columns].filter(([field]) => system.has(field) || includes(field)))
  return { ...entry, ...readingOf(columns, entry.fields.filter(includes)) }
}
