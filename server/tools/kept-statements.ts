import { is, Param, Placeholder, SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Statement } from '../db/database.ts'
import { toStatement } from '../db/to-statement.ts'
import type { CatalogEntry } from './catalog.ts'
import { type Assignment, type Binding, bindTo, bound, systemColumns } from './data.ts'

/** How many shapes a verb keeps: fields that are given or left out make one each, and so do their beginnings. */
const MAX_SHAPES = 2_000
const NOTHING: readonly Binding[] = []

/** What a statement is given. */
interface Given {
  /** Columns with their values. @default none */
  readonly list?: readonly Binding[]
  /** The record that it is about. */
  readonly recordId?: string
  /** The time of the call. */
  readonly now?: Date
}

/** The same, as the statement says it. */
export interface Spoken {
  readonly list: readonly Assignment[]
  readonly recordId: SQL
  readonly now: SQL
}

/** Writes a statement. Its text hangs on the collection and the columns of the list alone. */
type WriteStatement = (entry: CatalogEntry, spoken: Spoken) => SQL

/**
 * The statements of one verb, whose text is written once for each collection and list of columns: to write it anew
 * for each call costs more than to send it.
 */
export class KeptStatements {
  readonly #write: WriteStatement
  readonly #shapes = new WeakMap<CatalogEntry, Shape>()
  #kept = 0

  constructor(write: WriteStatement) {
    this.#write = write
  }

  /** The statement with these values. */
  of(entry: CatalogEntry, given: Given): Statement {
    return this.#template(entry, given.list ?? NOTHING)?.fill(given) ?? this.anew(entry, given)
  }

  /** The same, written for this once. */
  anew(entry: CatalogEntry, given: Given): Statement {
    return toStatement(this.#write(entry, spoken(entry, given)))
  }

  /** Undefined where a value is a piece of SQL itself, or there are too many shapes. */
  #template(entry: CatalogEntry, list: readonly Binding[]): Template | undefined {
    let shape = this.#shapes.get(entry) ?? new Shape()
    this.#shapes.set(entry, shape)
    for (const { column, value } of list) {
      if (isSql(value)) return undefined
      let longer: Shape | undefined = shape.longer.get(column)
      if (!longer) {
        if (this.#kept >= MAX_SHAPES) return undefined
        this.#kept += 1
        longer = new Shape()
        shape.longer.set(column, longer)
      }
      shape = longer
    }
    shape.template ??= new Template(this.#writeWithGaps(entry, list))
    return shape.template
  }

  #writeWithGaps(entry: CatalogEntry, list: readonly Binding[]): SQL {
    const { recordId, updatedAt } = systemColumns(entry)
    return this.#write(entry, {
      list: list.map(({ column }, position) => ({ column, value: gap(String(position), column) })),
      recordId: gap('recordId', recordId),
      now: gap('now', updatedAt),
    })
  }
}

/** The columns of a list, told apart by what they are: two of one table may have the same name in code. */
class Shape {
  readonly longer = new Map<PgColumn, Shape>()
  /** Of the list that ends here. */
  template: Template | undefined
}

export function spoken(entry: CatalogEntry, { list = NOTHING, recordId, now }: Given): Spoken {
  const { recordId: id, updatedAt } = systemColumns(entry)
  return { list: bound(list), recordId: bindTo(id, recordId), now: bindTo(updatedAt, now) }
}

function gap(name: string, column: PgColumn): SQL {
  return sql`${sql.param(sql.placeholder(name), column)}`
}

type Encoder = Pick<PgColumn, 'mapToDriverValue'>
/** What a parameter is: what it always is, or the value that stands at a place of what is given. */
type Parameter =
  | { readonly kind: 'constant'; readonly value: unknown }
  | { readonly kind: 'recordId' | 'now'; readonly encoder: Encoder }
  | { readonly kind: 'list'; readonly position: number; readonly encoder: Encoder }

/** A statement with gaps where its values belong. */
class Template {
  readonly #sql: string
  readonly #parameters: readonly Parameter[]

  constructor(statement: SQL) {
    const { sql, params } = toStatement(statement)
    this.#sql = sql
    this.#parameters = params.map(toParameter)
  }

  /** Undefined where a column encodes its value as a piece of SQL. */
  fill(given: Given): Statement | undefined {
    const params: unknown[] = []
    for (const parameter of this.#parameters) {
      const value = parameter.kind === 'constant' ? parameter.value : encode(parameter, given)
      if (isSql(value)) return undefined
      params.push(value)
    }
    return { sql: this.#sql, params }
  }
}

function toParameter(param: unknown): Parameter {
  if (!is(param, Param) || !is(param.value, Placeholder)) return { kind: 'constant', value: param }
  const { encoder } = param
  const { name } = param.value
  return name === 'recordId' || name === 'now'
    ? { kind: name, encoder }
    : { kind: 'list', position: Number(name), encoder }
}

function encode(parameter: Exclude<Parameter, { kind: 'constant' }>, given: Given): unknown {
  const value = parameter.kind === 'list' ? given.list?.[parameter.position]?.value : given[parameter.kind]
  if (value === undefined) throw new Error(`A statement needs the value of its ${parameter.kind}`)
  return value === null ? null : parameter.encoder.mapToDriverValue(value)
}

function isSql(value: unknown): boolean {
  return typeof value === 'object' && value !== null && is(value, SQL)
}
