import { Column, is, Name, type SQL, SQL as SqlChunk, sql, Table } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { columnName } from '../../drizzle/engine/column-types/column-name.ts'
import { toldOf } from '../wire/issues.ts'
import { findUnacceptableToFields } from '../wire/plain-data.ts'
import type { CatalogEntry } from './catalog.ts'
import { columnType } from './column-type.ts'
import { type Problems, quote } from './problems.ts'
import { sizeProblem } from './sizes.ts'

export interface CheckOptions {
  /** Whether the engine itself writes, which may set the system-managed fields. @default false */
  readonly asEngine?: boolean
  /** The argument's name in messages. @default 'data' */
  readonly argument?: string
}

/**
 * Checks data that would be written: known fields only, none of the system's, every value storable as it is.
 * A field that is undefined counts as not given.
 */
export function checkData(
  entry: CatalogEntry,
  data: unknown,
  problems: Problems,
  options: CheckOptions = {},
): Readonly<Record<string, unknown>> {
  const argument = options.argument ?? 'data'
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    problems.add([argument], 'must be an object of fields')
    return {}
  }
  const unacceptable = findUnacceptableToFields(data)
  if (unacceptable) {
    problems.add([argument, ...unacceptable.path], unacceptable.message, { code: 'unacceptable' })
    return {}
  }
  const given: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(data)) {
    if (value === undefined) continue
    const at = [argument, field]
    if (entry.fields.includes(field)) {
      const size = entry.sizes.get(field)
      const tooLarge = size && sizeProblem(size, value)
      if (tooLarge) problems.add(at, tooLarge)
      else given[field] = value
    } else if (entry.columns.has(field))
      problems.add(at, 'is a system field, which is never written through data')
    else problems.unknownField(entry, field, at)
    // A hidden field is reported as unknown.
    if (entry.managed.has(field) && entry.fields.includes(field) && !options.asEngine) {
      problems.add(at, 'is managed by the system, and not written through data')
    }
    if (problems.isFull) return {}
  }
  const parsed = entry.patchSchema.safeParse(given)
  for (const issue of parsed.success ? [] : parsed.error.issues) {
    const { message, ...told } = toldOf(issue)
    problems.add(
      [argument, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))],
      message,
      told,
    )
  }
  return given
}

/** Lists the fields that `data` has no value for. */
export function notGiven(fields: readonly string[], data: object): readonly string[] {
  const values = new Map<string, unknown>(fields.length === 0 ? [] : Object.entries(data))
  return fields.filter((field) => values.get(field) === undefined)
}

/** Lists the required fields of a new record that `data` does not give. */
export function missingFields(
  entry: CatalogEntry,
  data: Readonly<Record<string, unknown>>,
): readonly string[] {
  return entry.required.filter((field) => !Object.hasOwn(data, field))
}

/** A column with the value that it is set to or compared with. */
export interface Binding {
  readonly column: PgColumn
  readonly value: unknown
}

/** A binding whose value is SQL. */
export interface Assignment extends Binding {
  readonly value: SQL
}

/** Lists the columns and values of an UPDATE: the fields given, and those that Drizzle sets on every update. */
export function changes(entry: CatalogEntry, data: Readonly<Record<string, unknown>>): Binding[] {
  return collect(entry, data, (column) => column.onUpdateFn?.())
}

/** Lists the columns and values of an UPDATE as SQL. */
export function assignments(entry: CatalogEntry, data: Readonly<Record<string, unknown>>): Assignment[] {
  return bound(changes(entry, data))
}

/**
 * Lists the columns and values of an INSERT: the fields given, and the defaults that Drizzle computes. Like Drizzle, it
 * also sets what every update sets, where there is no default; but no SQL about the record before.
 */
export function insertions(entry: CatalogEntry, data: Readonly<Record<string, unknown>>): Binding[] {
  return collect(entry, data, (column) => {
    if (column.defaultFn) return column.defaultFn()
    if (column.default !== undefined) return undefined
    const value: unknown = column.onUpdateFn?.()
    return is(value, SqlChunk) && namesColumn(value) ? undefined : value
  })
}

/** Whether SQL names a column: a new record has no columns to read. */
function namesColumn(statement: SQL): boolean {
  return statement.queryChunks.some(
    (chunk) =>
      is(chunk, Column) || is(chunk, Table) || is(chunk, Name) || (is(chunk, SqlChunk) && namesColumn(chunk)),
  )
}

function collect(
  entry: CatalogEntry,
  data: Readonly<Record<string, unknown>>,
  computed: (column: PgColumn) => unknown,
): Binding[] {
  const list: Binding[] = []
  for (const field of entry.fields) {
    const column = entry.columns.get(field)
    if (!column) continue
    if (Object.hasOwn(data, field)) list.push({ column, value: data[field] })
    else {
      const value = computed(column)
      if (value === undefined) continue
      checkComputed(entry, field, value)
      list.push({ column, value })
    }
  }
  return list
}

/** Checks a value that the app's function computed, as a given value is checked. */
function checkComputed(entry: CatalogEntry, field: string, value: unknown): void {
  if (value === null || is(value, SqlChunk)) return
  const parsed = entry.types.get(field)?.schema.safeParse(value)
  if (parsed?.success && findUnacceptableToFields(value) === undefined) return
  const message = parsed?.error?.issues[0]?.message ?? 'is no data'
  throw new Error(
    `What is computed for field ${quote(field)} of ${quote(entry.name)} cannot be stored: it ${message}`,
  )
}

/** Casts a value to a column's type. Alone in a SELECT list, a parameter has no type. */
export function castTo(column: PgColumn, value: SQL): SQL {
  return sql`(${value})::${columnType(column)}`
}

/** Binds a value as a parameter of its column. */
export function bindTo(column: PgColumn, value: unknown): SQL {
  return is(value, SqlChunk) ? value : sql`${sql.param(value, column)}`
}

/** Binds values as parameters of their columns. */
export function bound(list: readonly Binding[]): Assignment[] {
  return list.map(({ column, value }) => ({ column, value: bindTo(column, value) }))
}

/** The largest `integer`: a busy counter's version may get there. */
const LAST_VERSION = sql`2147483647`
/** JSON has no year 10000 and no `infinity`, which other programs may have stored: such a value is not kept. */
const TOO_LATE = sql`timestamptz '10000-01-01 00:00:00+00'`

/** Writes `"title" = $1, "version" = …, …` */
export function setClause(entry: CatalogEntry, list: readonly Assignment[], now: Date | SQL): SQL {
  return sql.join(
    [...list, ...systemAssignments(entry, now)].map(
      ({ column, value }) => sql`${identifier(column)} = ${value}`,
    ),
    sql`, `,
  )
}

/** Lists what every write changes, besides what was given: `version` and `updated_at`. */
export function systemAssignments(entry: CatalogEntry, now: Date | SQL): Assignment[] {
  const { version, updatedAt } = systemColumns(entry)
  return [
    {
      column: version,
      value: sql`case when ${version} between 1 and ${LAST_VERSION} - 1 then ${version} + 1 else 1 end`,
    },
    // A call that waited long must not set an earlier time than the last write. GREATEST ignores NULL.
    {
      column: updatedAt,
      value: sql`greatest(case when ${updatedAt} < ${TOO_LATE} then ${updatedAt} end, ${bindTo(updatedAt, now)})`,
    },
  ]
}

const identifiers = new WeakMap<PgColumn, SQL>()

/** Writes a column's name without its table, as SET and RETURNING need it. */
export function identifier(column: PgColumn): SQL {
  let name = identifiers.get(column)
  if (name === undefined) {
    name = sql`${sql.identifier(columnName(column))}`
    identifiers.set(column, name)
  }
  return name
}

/** Returns the columns that every collection has; `collection()` guarantees them. */
export function systemColumns(entry: CatalogEntry) {
  const column = (field: string): PgColumn => {
    const found = entry.columns.get(field)
    if (!found) throw new Error(`Collection ${quote(entry.name)} lacks the system column ${field}`)
    return found
  }
  return {
    recordId: column('recordId'),
    createdBy: column('createdBy'),
    createdAt: column('createdAt'),
    updatedAt: column('updatedAt'),
    version: column('version'),
  }
}
