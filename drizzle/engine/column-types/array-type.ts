import { z } from 'zod'
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

type ArrayText = readonly (string | null | ArrayText)[]

/** Parses the text form of an array (PostgreSQL manual, 8.15.6). */
function parseArray(text: string): ArrayText {
  // Arrays with other lower bounds than 1 say so first: `[0:1]={a,b}`.
  const start = text.indexOf('{')
  const tokens = text.slice(start).matchAll(/"((?:[^"\\]|\\.)*)"|[{}]|,|((?:[^",{}\\]|\\.)+)/gs)
  const open: (string | null | ArrayText)[][] = [[]]
  for (const [token, quoted, bare] of tokens) {
    const list = open.at(-1) ?? []
    if (token === '{') {
      const inner: (string | null | ArrayText)[] = []
      list.push(inner)
      open.push(inner)
    } else if (token === '}') open.pop()
    else if (quoted !== undefined) list.push(quoted.replace(/\\(.)/gs, '$1'))
    else if (bare !== undefined) list.push(bare === 'NULL' ? null : bare.replace(/\\(.)/gs, '$1'))
  }
  const whole = open[0]?.[0]
  return Array.isArray(whole) ? whole : []
}
