import { z } from 'zod'
import { parseArray } from './array-text.ts'
import { type ColumnType, UNREADABLE } from './column-type.ts'

/** A list of values, each as exact as a value alone. Nothing in it is NULL, unless others than Deputy wrote it. */
export function arrayType(element: ColumnType, size: number | undefined): ColumnType {
  const list = z.array(element.schema)
  return {
    schema: size === undefined ? list : list.length(size),
    read: (value) => readList(element, String(value)),
    isComparable: false,
    element,
  }
}

function readList(element: ColumnType, text: string): unknown {
  const list: unknown[] = []
  for (const member of parseArray(text)) {
    // Postgres takes arrays of any depth in a column of any.
    const value = Array.isArray(member) ? UNREADABLE : member === null ? null : element.read(member)
    if (value === UNREADABLE) return UNREADABLE
    list.push(value)
  }
  return list
}
