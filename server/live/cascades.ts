import { getTableName } from 'drizzle-orm'
import { getTableConfig } from 'drizzle-orm/pg-core'
import type { ChangedCollections } from '../invocation/changes.ts'
import type { Catalog } from '../tools/catalog.ts'

/** What a foreign key does to its own row when the row that it names changes, where it does anything. */
const ACTS = new Set(['cascade', 'set null', 'set default'])

/** Adds the collections that the database changes by itself when these are written, by their foreign keys. */
export type WithCascades = (collections: ChangedCollections) => ChangedCollections

/** Finds out which collections the database changes along with others. */
export function createCascades(catalog: Catalog): WithCascades {
  const dependents = new Map<string, string[]>()
  for (const { name, table } of catalog.values()) {
    for (const { reference, onDelete, onUpdate } of getTableConfig(table).foreignKeys) {
      if (!ACTS.has(onDelete ?? '') && !ACTS.has(onUpdate ?? '')) continue
      const parent = getTableName(reference().foreignTable)
      dependents.set(parent, [...(dependents.get(parent) ?? []), name])
    }
  }
  return (collections) => {
    if (collections === 'all') return collections
    const all = new Set(collections)
    // A set goes on to what is added to it meanwhile.
    for (const collection of all) for (const name of dependents.get(collection) ?? []) all.add(name)
    return all
  }
}
