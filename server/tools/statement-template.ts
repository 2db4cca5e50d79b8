import { is, Param, Placeholder, SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Statement } from '../db/database.ts'
import { toStatement } from '../db/statement.ts'
import type { Binding } from './assignments.ts'

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

export function isSql(value: unknown): boolean {
  return typeof value === 'object' && value !== null && is(value, SQL)
}
