import { type SQL, sql } from 'drizzle-orm'
import type { SqlError } from '../db/database.ts'
import { identifier, systemColumns } from './assignments.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'

const ANY = sql`on conflict do nothing`

/** Writes the ON CONFLICT DO NOTHING of an insert. */
export function onConflict(entry: CatalogEntry): SQL {
  return entry.arbiters.hasDeferrable
    ? sql`on conflict (${identifier(systemColumns(entry).recordId)}) do nothing`
    : ANY
}

/**
 * Learns from an error that a collection has a deferrable constraint, which a handwritten migration may have added.
 *
 * @returns the collection's name; its insert works when it is written again.
 */
export function learnDeferrable(catalog: Catalog, error: SqlError): string | undefined {
  const { sqlstate, routine, table } = error
  if (sqlstate !== '55000' || routine !== 'ExecCheckIndexConstraints' || table === undefined) return undefined
  const entry = catalog.get(table)
  if (!entry) return undefined
  entry.arbiters.hasDeferrable = true
  return entry.name
}
