import { is, Param, Placeholder, SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Statement } from '../db/database.ts'
import { toStatement } from '../db/to-statement.ts'
import type { Binding } from './data.ts'

/** What stands in the gaps of a template: a gap is a placeholder, by one of these names or a position in the list. */
export interface Given {
  /** Columns with their values. @default none */
  readonly list?: readonly Binding[]
  /** The record that it is about. */
  readonly recordId?: string
  /** The time of the call. */
  readonly now?: Date
  /** Who asks. */
  readonly userId?: string | null
  /** The same, as a list of one. */
  readonly userIds?: readonly (string | null)[]
  /** What a condition on top of the rules compares with. */
  readonly guardValue?: string | null | undefined
}

type Encoder = Pick<PgColumn, 'mapToDriverValue'>
type Name = Exclude<keyof Given, 'list'>
/** What a parameter is: what it always is, or what stands at a place of what is given. */
type Parameter =
  | { readonly kind: 'constant'; readonly value: unknown }
  | { readonly kind: 'named'; readonly name: Name; readonly encoder: Encoder }
  | { readonly kind: 'list'; readonly position: number; readonly encoder: Encoder }

const NAMES: readonly string[] = ['recordId', 'now', 'userId', 'userIds', 'guardValue'] satisfies Name[]

/** A statement with gaps where its values belong, whose text is written once. */
export class Template {
  readonly #sql: string
  readonly #parameters: readonly Parameter[]

  constructor(statement: SQL) {
    const { sql, params } = toStatement(statement)
    this.#sql = sql
    this.#parameters = params.map(toParameter)
  }

  /** Undefined where a column encodes its value as a piece of SQL. @throws {Error} when a value is not given */
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
  return NAMES.includes(name)
    ? { kind: 'named', name: name as Name, encoder } // It is one of them.
    : { kind: 'list', position: Number(name), encoder }
}

function encode(parameter: Exclude<Parameter, { kind: 'constant' }>, given: Given): unknown {
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
