import { Column, is, Name, Param, Placeholder, SQL, StringChunk, Table } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { Statement } from './database.ts'

/**
 * Makes what writes statements as Drizzle does. One that has seen a table takes every other of that name for it, and two
 * apps in a process may have one each: none is kept that writes columns.
 */
const createDialect = () => new PgDialect({ casing: 'snake_case' })
/** Quotes names and numbers parameters. */
const quoting = createDialect()

/** What tables and columns are called, as Drizzle writes them. */
const names = new WeakMap<Table | Column, string>()

interface Draft {
  sql: string
  readonly params: unknown[]
}

/**
 * A statement as a session sends it: the text and the values that Drizzle would make of it, in one pass and without
 * its copies. Saves 20 µs of the 500 of a page of 50 records. What is not known here is left to Drizzle.
 */
export function toStatement(statement: SQL): Statement {
  const draft: Draft = { sql: '', params: [] }
  if (append(draft, statement)) return draft
  const { sql, params } = createDialect().sqlToQuery(statement)
  return { sql, params }
}

/** Each of these is false for what only Drizzle knows how to write. */
function append(draft: Draft, statement: SQL): boolean {
  // biome-ignore lint/complexity/useLiteralKeys: Drizzle has no other way to ask.
  if (statement['shouldInlineParams']) return false
  for (const chunk of statement.queryChunks) if (!appendChunk(draft, chunk)) return false
  return true
}

function appendChunk(draft: Draft, chunk: unknown): boolean {
  if (chunk === undefined) return true
  if (typeof chunk === 'function') return false
  if (typeof chunk !== 'object' || chunk === null) return bind(draft, chunk)
  if (chunk instanceof StringChunk) {
    for (const text of chunk.value) draft.sql += text
    return true
  }
  if (chunk instanceof SQL) return append(draft, chunk)
  if (chunk instanceof Param) return appendParam(draft, chunk)
  if (chunk instanceof Column || chunk instanceof Table) {
    draft.sql += nameOf(chunk)
    return true
  }
  if (!(chunk instanceof Name)) return false
  draft.sql += quoting.escapeName(chunk.value)
  return true
}

function appendParam(draft: Draft, { value, encoder }: Param): boolean {
  if (value instanceof Placeholder) return false
  const encoded: unknown = value === null ? null : encoder.mapToDriverValue(value)
  // A column may encode a value as a piece of SQL.
  return is(encoded, SQL) ? append(draft, encoded) : bind(draft, encoded)
}

function bind(draft: Draft, value: unknown): true {
  draft.sql += quoting.escapeParam(draft.params.length)
  draft.params.push(value)
  return true
}

function nameOf(chunk: Table | Column): string {
  let name = names.get(chunk)
  if (name === undefined) {
    name = createDialect().sqlToQuery(new SQL([chunk])).sql
    names.set(chunk, name)
  }
  return name
}

/** The bound values of a statement that is put together from parts. */
export class Parameters {
  readonly values: unknown[]

  /** @param values are bound already, in the order of their placeholders. @default none */
  constructor(values: unknown[] = []) {
    this.values = values
  }

  /** Binds a value. @returns its placeholder, cast to a type of Postgres. */
  bind(value: unknown, type = 'text'): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }
}
