import { is, Param, Placeholder, SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Statement } from '../db/database.ts'
import { toStatement } from '../db/statement.ts'
import { type Assignment, type Binding, bindTo, bound, systemColumns } from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'

/** The most column lists that a verb caches; each beginning of a list counts as well. */
const MAX_STATEMENTS = 2_000
const NOTHING: readonly Binding[] = []

/** The values of a statement as SQL. */
export interface StatementParts {
  readonly list: readonly Assignment[]
  readonly recordId: SQL
  readonly now: SQL
}

/** Writes a statement whose text depends only on the collection and the columns of the list. */
export type WriteStatement = (entry: CatalogEntry, statementParts: StatementParts) => SQL

/**
 * Caches the statements of one verb by collection and list of columns: writing a statement's text costs more than sending
 * it.
 */
export class StatementCache {
  readonly #write: WriteStatement
  readonly #shapes = new WeakMap<CatalogEntry, StatementNode>()
  #kept = 0

  constructor(write: WriteStatement) {
    this.#write = write
  }

  /** Fills the cached statement with values. */
  of(entry: CatalogEntry, given: StatementValues): Statement {
    return this.#template(entry, given.list ?? NOTHING)?.fill(given) ?? this.write(entry, given)
  }

  /** Writes a statement without the cache. */
  write(entry: CatalogEntry, given: StatementValues): Statement {
    return toStatement(this.#write(entry, statementParts(entry, given)))
  }

  /** Finds or writes the template; undefined where a value is SQL itself, or the cache is full. */
  #template(entry: CatalogEntry, list: readonly Binding[]): StatementTemplate | undefined {
    let shape = this.#shapes.get(entry) ?? new StatementNode()
    this.#shapes.set(entry, shape)
    for (const { column, value } of list) {
      if (isSql(value)) return undefined
      let next: StatementNode | undefined = shape.next.get(column)
      if (!next) {
        if (this.#kept >= MAX_STATEMENTS) return undefined
        this.#kept += 1
        next = new StatementNode()
        shape.next.set(column, next)
      }
      shape = next
    }
    shape.template ??= new StatementTemplate(this.#writeWithGaps(entry, list))
    return shape.template
  }

  #writeWithGaps(entry: CatalogEntry, list: readonly Binding[]): SQL {
    const { recordId, updatedAt } = systemColumns(entry)
    return this.#write(entry, {
      list: list.map(({ column }, position) => ({ column, value: placeholder(String(position), column) })),
      recordId: placeholder('recordId', recordId),
      now: placeholder('now', updatedAt),
    })
  }
}

/** A list of columns in the cache. Columns are told apart by identity: two of one table may have the same name in code. */
class StatementNode {
  readonly next = new Map<PgColumn, StatementNode>()
  /** The statement of the list that ends here. */
  template: StatementTemplate | undefined
}

export function statementParts(
  entry: CatalogEntry,
  { list = NOTHING, recordId, now }: StatementValues,
): StatementParts {
  const { recordId: id, updatedAt } = systemColumns(entry)
  return { list: bound(list), recordId: bindTo(id, recordId), now: bindTo(updatedAt, now) }
}

function placeholder(name: string, column: PgColumn): SQL {
  return sql`${sql.param(sql.placeholder(name), column)}`
}

/** The values of a template's placeholders: a placeholder has one of these names, or a position in the list. */
export interface StatementValues {
  /** Columns with their values. @default none */
  readonly list?: readonly Binding[]
  /** The id of the statement's record. */
  readonly recordId?: string
  /** The time of the call. */
  readonly now?: Date
  /** The caller's id. */
  readonly userId?: string | null
  /** The caller's id, as a list of one. */
  readonly userIds?: readonly (string | null)[]
  /** The value that a permission's guard compares with. */
  readonly guardValue?: string | null | undefined
}

type Encoder = Pick<PgColumn, 'mapToDriverValue'>
type Name = Exclude<keyof StatementValues, 'list'>
/** A parameter: a constant, or a placeholder. */
type Parameter =
  | { readonly kind: 'constant'; readonly value: unknown }
  | { readonly kind: 'named'; readonly name: Name; readonly encoder: Encoder }
  | { readonly kind: 'list'; readonly position: number; readonly encoder: Encoder }

const NAMES: readonly string[] = ['recordId', 'now', 'userId', 'userIds', 'guardValue'] satisfies Name[]

/** A statement whose text is written once, with placeholders for its values. */
export class StatementTemplate {
  readonly #sql: string
  readonly #parameters: readonly Parameter[]

  constructor(statement: SQL) {
    const { sql, params } = toStatement(statement)
    this.#sql = sql
    this.#parameters = params.map(toParameter)
  }

  /** Fills the placeholders; undefined where a column encodes its value as SQL. @throws {Error} when a value is missing */
  fill(given: StatementValues): Statement | undefined {
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
  return NAMES.includes(name)
    ? { kind: 'named', name: name as Name, encoder } // It is one of them.
    : { kind: 'list', position: Number(name), encoder }
}

function encode(parameter: Exclude<Parameter, { kind: 'constant' }>, given: StatementValues): unknown {
  const value = parameter.kind === 'list' ? given.list?.[parameter.position]?.value : given[parameter.name]
  if (value === undefined)
    throw new Error(
      `A statement needs the value of its ${parameter.kind === 'list' ? 'list' : parameter.name}`,
    )
  return value === null ? null : parameter.encoder.mapToDriverValue(value)
}

function isSql(value: unknown): boolean {
  return typeof value === 'object' && value !== null && is(value, SQL)
}
