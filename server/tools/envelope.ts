import type { CatalogEntry } from './catalog.ts'
import { readColumn } from './column-text.ts'
import type { Envelope } from './types.ts'

/** Turns a row of `entry.selectList` into the record that tools return. */
export function toEnvelope(entry: CatalogEntry, row: readonly unknown[]): Envelope {
  const values = new Map<string, unknown>()
  let position = 0
  for (const [field, column] of entry.columns) {
    values.set(field, readColumn(column, row[position]))
    position += 1
  }
  const data: Record<string, unknown> = {}
  for (const field of entry.fields) data[field] = values.get(field)
  return {
    recordId: values.get('recordId') as string,
    data,
    createdBy: values.get('createdBy') as string | null,
    createdAt: values.get('createdAt') as Date,
    updatedAt: values.get('updatedAt') as Date,
    version: values.get('version') as number,
  }
}
