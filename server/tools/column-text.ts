import { is } from 'drizzle-orm'
import { PgArray, type PgColumn, PgTimestamp } from 'drizzle-orm/pg-core'
import { readInstant } from './instant-text.ts'

/**
 * How a column's values are read as the database wrote them. Drizzle's own readers lose two things, which are read
 * here: the backslashes of arrays, and the century of the years 1 to 99.
 */
export function columnReader(column: PgColumn): (value: unknown) => unknown {
  const isArray = is(column, PgArray)
  const isInstant = is(column, PgTimestamp)
  return (value) => {
    if (value === null || value === undefined) return null
    if (typeof value !== 'string') return column.mapFromDriverValue(value)
    if (isArray) return column.mapFromDriverValue(parseArray(value))
    return (isInstant ? readInstant(value) : undefined) ?? column.mapFromDriverValue(value)
  }
}

/** Reads one value, as `columnReader` does. */
export function readColumn(column: PgColumn, value: unknown): unknown {
  return columnReader(column)(value)
}

type ArrayText = (string | null | ArrayText)[]

/** Parses the text form of an array (PostgreSQL manual, 8.15.6). */
function parseArray(text: string): ArrayText {
  // Arrays with other lower bounds than 1 say so first: `[0:1]={a,b}`.
  const start = text.indexOf('{')
  const tokens = text.slice(start).matchAll(/"((?:[^"\\]|\\.)*)"|[{}]|,|((?:[^",{}\\]|\\.)+)/gs)
  const open: ArrayText[] = [[]]
  for (const [token, quoted, bare] of tokens) {
    const list = open.at(-1) ?? []
    if (token === '{') {
      const inner: ArrayText = []
      list.push(inner)
      open.push(inner)
    } else if (token === '}') open.pop()
    else if (quoted !== undefined) list.push(quoted.replace(/\\(.)/gs, '$1'))
    else if (bare !== undefined) list.push(bare === 'NULL' ? null : bare.replace(/\\(.)/gs, '$1'))
  }
  const whole = open[0]?.[0]
  return Array.isArray(whole) ? whole : []
}
