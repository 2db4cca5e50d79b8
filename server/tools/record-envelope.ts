import type { PgColumn } from 'drizzle-orm/pg-core'
import { UNREADABLE } from '../../drizzle/engine/column-types/column-type.ts'
import { columnReader } from '../../drizzle/engine/column-types/describe-column.ts'
import type { RecordEnvelope } from '../core/record.ts'

/** Turns a row of a collection's select list into the record that tools return. */
export type ReadEnvelope = (row: readonly unknown[]) => RecordEnvelope

/** Builds the reader of a collection's rows. */
export function envelopeReader(
  columns: ReadonlyMap<string, PgColumn>,
  fields: readonly string[],
): ReadEnvelope {
  const readers = new Map([...columns].map(([field, column], at) => [field, readAt(column, at)]))
  const reader = (field: string): Read => readers.get(field) ?? (() => undefined)
  const own = fields.map((field) => ({ field, read: reader(field) }))
  const recordId = reader('recordId')
  const createdBy = reader('createdBy')
  const createdAt = reader('createdAt')
  const updatedAt = reader('updatedAt')
  const version = reader('version')
  return (row) => {
    const data: Record<string, unknown> = {}
    let unreadable: string[] | undefined
    const readOrNote = (field: string, read: Read) => {
      const value = read(row)
      if (value !== UNREADABLE) return value
      unreadable ??= []
      unreadable.push(field)
      return null
    }
    for (const { field, read } of own) data[field] = readOrNote(field, read)
    const envelope = {
      recordId: recordId(row) as string,
      data,
      createdBy: createdBy(row) as string | null,
      createdAt: readOrNote('createdAt', createdAt) as Date | null,
      updatedAt: readOrNote('updatedAt', updatedAt) as Date | null,
      version: version(row) as number,
    }
    return unreadable ? { ...envelope, unreadable } : envelope
  }
}

type Read = (row: readonly unknown[]) => unknown

function readAt(column: PgColumn, position: number): Read {
  const read = columnReader(column)
  return (row) => read(row[position])
}
