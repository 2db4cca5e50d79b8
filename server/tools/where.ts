import { is, type SQL, sql } from 'drizzle-orm'
import { PgArray, type PgColumn } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { isText } from '../../drizzle/engine/field-sizes.ts'
import { toldOf } from '../wire/issues.ts'
import { findUnacceptableToFields } from '../wire/plain-data.ts'
import type { CatalogEntry } from './catalog.ts'
import { operandType } from './column-type.ts'
import { Operands } from './operands.ts'
import type { Problems } from './problems.ts'
import { SearchCost } from './search-cost.ts'
import { charactersOf, isLongText, isLongValue } from './sizes.ts'

const MAX_LEVELS = 5
const MAX_CONDITIONS = 100
const MAX_LIST_VALUES = 1_000
const EMPTY = 'must name at least one condition'

interface Compilation {
  readonly entry: CatalogEntry
  readonly problems: Problems
  /** The values that are compared with, limited for the whole `where`. */
  readonly operands: Operands
  readonly cost: SearchCost
  conditions: number
}

type Path = readonly (string | number)[]

/** The conditions of a `where`. */
export interface Conditions {
  /** Conditions with a bounded cost for each record, or that an index answers; undefined when there are none. */
  readonly plain: SQL | undefined
  /** Conditions whose cost grows with the size of the values, for which a limit counts; undefined when there are none. */
  readonly search: Search | undefined
}

export interface Search {
  readonly condition: SQL
  readonly cost: SearchCost
}

/**
 * Compiles a `where` object, or reports its problems. Every condition is true or false, never NULL, so `NOT` matches
 * exactly the other records.
 */
export function compileWhere(entry: CatalogEntry, where: unknown, problems: Problems): Conditions {
  if (where === undefined) return { plain: undefined, search: undefined }
  const unacceptable = findUnacceptableToFields(where)
  if (unacceptable)
    problems.add(['where', ...unacceptable.path], unacceptable.message, { code: 'unacceptable' })
  const compilation: Compilation = {
    entry,
    problems,
    operands: new Operands(problems),
    cost: new SearchCost(),
    conditions: 0,
  }
  const parts = unacceptable ? [] : conjuncts(compilation, where, ['where'])
  const pick = (costs: boolean) => parts.flatMap((part) => (part.costs === costs ? [part.condition] : []))
  const condition = together(pick(true))
  return {
    plain: together(pick(false)),
    search: condition && { condition, cost: compilation.cost },
  }
}

/** Joins conditions that must all hold. */
function together(conditions: readonly SQL[]): SQL | undefined {
  return conditions.length <= 1 ? conditions[0] : sql`(${sql.join([...conditions], sql` and `)})`
}

interface Conjunct {
  readonly condition: SQL
  /** Whether looking at a record costs more than a record's own cost. */
  readonly costs: boolean
}

/** Lists the conditions that must all hold, with those of an AND: cheap ones leave fewer records to search. */
function conjuncts(compilation: Compilation, where: unknown, path: Path): Conjunct[] {
  const { problems, cost } = compilation
  const list: Conjunct[] = []
  for (const [key, value] of entriesOf(compilation, where, path)) {
    const at = [...path, key]
    if (key === 'AND' && Array.isArray(value) && value.length > 0) {
      for (const [position, member] of value.entries()) {
        const [reported, place] = [problems.count, [...at, position]]
        const parts = conjuncts(compilation, member, place)
        if (parts.length === 0 && problems.count === reported) problems.add(place, EMPTY)
        list.push(...parts)
        if (problems.isFull) return list
      }
      continue
    }
    const before = cost.total
    const condition = conjunct(compilation, key, value, at)
    if (condition) list.push({ condition, costs: cost.total > before })
    if (problems.isFull) return list
  }
  return list
}

function level(compilation: Compilation, where: unknown, path: Path): SQL | undefined {
  return together(conjuncts(compilation, where, path).map(({ condition }) => condition))
}

/** Lists the entries of an object of conditions; none when it is refused. */
function entriesOf({ problems }: Compilation, where: unknown, path: Path): [string, unknown][] {
  if (path.filter((part) => part === 'AND' || part === 'OR' || part === 'NOT').length >= MAX_LEVELS) {
    problems.add(path, `is nested deeper than ${MAX_LEVELS} levels`)
    return []
  }
  if (isPlainObject(where)) return Object.entries(where)
  problems.add(path, 'must be an object of conditions')
  return []
}

function conjunct(compilation: Compilation, key: string, value: unknown, at: Path): SQL | undefined {
  if (key === 'AND' || key === 'OR') return group(compilation, key, value, at)
  if (key === 'NOT') return negation(compilation, value, at)
  const column = compilation.entry.columns.get(key)
  if (!column || key === 'version') return compilation.problems.unknownField(compilation.entry, key, at)
  return comparison(compilation, key, column, value, at)
}

function group(compilation: Compilation, key: 'AND' | 'OR', value: unknown, path: Path): SQL | undefined {
  if (!Array.isArray(value) || value.length === 0) {
    return compilation.problems.add(path, 'must be a list of at least one object of conditions')
  }
  const parts: SQL[] = []
  for (const [position, member] of value.entries()) {
    const part = required(compilation, member, [...path, position])
    if (part) parts.push(part)
    if (compilation.problems.isFull) return undefined
  }
  return sql`(${sql.join(parts, key === 'AND' ? sql` and ` : sql` or `)})`
}

function negation(compilation: Compilation, value: unknown, path: Path): SQL | undefined {
  const part = required(compilation, value, path)
  return part && sql`not (${part})`
}

/** Compiles a member of AND, OR or NOT, and refuses an empty one, which would match everything. */
function required(compilation: Compilation, value: unknown, path: Path): SQL | undefined {
  const before = compilation.problems.count
  const part = level(compilation, value, path)
  if (!part && compilation.problems.count === before) compilation.problems.add(path, EMPTY)
  return part
}

function comparison(
  compilation: Compilation,
  field: string,
  column: PgColumn,
  value: unknown,
  path: Path,
): SQL | undefined {
  if (value === null) return counted(compilation, path, sql`${column} is null`)
  if (!isPlainObject(value)) return operator(compilation, field, column, 'eq', value, path)
  const operators = Object.entries(value)
  if (operators.length === 0)
    return compilation.problems.add(path, 'must name an operator, such as { eq: value }')
  const parts: SQL[] = []
  for (const [name, operand] of operators) {
    const part = operator(compilation, field, column, name, operand, [...path, name])
    if (part) parts.push(part)
  }
  return parts.length === 0 ? undefined : sql.join(parts, sql` and `)
}

const EQUALITIES: ReadonlySet<string> = new Set(['eq', 'ne', 'in', 'notIn'])
const OPERATORS = 'eq, ne, gt, gte, lt, lte, in, notIn, contains, startsWith, has, isNull'

function operator(
  compilation: Compilation,
  field: string,
  column: PgColumn,
  name: string,
  operand: unknown,
  path: Path,
): SQL | undefined {
  const { problems } = compilation
  const type = compilation.entry.types.get(field)
  const element = type?.element?.isComparable ? type.element : undefined
  if (name === 'has') {
    if (!element || !is(column, PgArray))
      return problems.add(path, 'works on arrays of comparable values only')
    if (!accepts(element.operand ?? element.schema, operand, compilation, path)) return undefined
    if (!compilation.operands.take([operand])) return undefined
    if (!compilation.entry.indexed.elements.has(field)) compilation.cost.addElement(field, column)
    const list = arrayOf(column.baseColumn, [operand])
    return counted(compilation, path, present(column, sql`${column} @> ${list}`))
  }
  if (!type?.isComparable && name !== 'isNull')
    return problems.add(path, `can only be compared with ${element ? '{ has } and ' : ''}{ isNull }`)
  const single = (build: (value: SQL) => SQL) => {
    const value = bind(compilation, field, column, operand, path)
    return value && counted(compilation, path, build(value))
  }
  const list = (build: (values: SQL) => SQL) => {
    const values = bindList(compilation, field, column, operand, path)
    return values && counted(compilation, path, build(values))
  }
  const pattern = (build: (literal: string) => SQL | undefined) => {
    if (!isText(column)) return problems.add(path, 'works on text fields only')
    if (typeof operand !== 'string') return problems.add(path, 'must be a string')
    if (!compilation.operands.takePattern(operand, path)) return undefined
    const condition = build(operand)
    return condition && counted(compilation, path, condition)
  }
  const { entry, cost } = compilation
  const isLong = isLongText(entry, field)
  const isIndexed = entry.indexed.ordered.has(field)
  const ordered = (build: (value: SQL) => SQL) => {
    if (isLong && !isIndexed) cost.addOrder(field, column)
    return single(build)
  }
  const longValues = (Array.isArray(operand) ? operand : [operand]).filter(isLongValue).length
  if (isLong && longValues > 0 && EQUALITIES.has(name)) cost.addEquality(field, column, longValues)
  switch (name) {
    case 'eq':
      return operand === null
        ? counted(compilation, path, sql`${column} is null`)
        : single((value) => present(column, sql`${column} = ${value}`))
    case 'ne':
      return operand === null
        ? counted(compilation, path, sql`${column} is not null`)
        : single((value) => sql`${column} is distinct from ${value}`)
    case 'gt':
      return ordered((value) => present(column, sql`${column} > ${value}`))
    case 'gte':
      return ordered((value) => present(column, sql`${column} >= ${value}`))
    case 'lt':
      return ordered((value) => present(column, sql`${column} < ${value}`))
    case 'lte':
      return ordered((value) => present(column, sql`${column} <= ${value}`))
    case 'in':
      return list((values) => present(column, sql`${column} = any(${values})`))
    case 'notIn':
      return list((values) => sql`not ${present(column, sql`${column} = any(${values})`)}`)
    case 'contains':
      return pattern((literal) => {
        cost.addPattern(field, column, literal)
        return contains(column, literal)
      })
    case 'startsWith':
      return pattern((literal) => startsWith(column, literal, isIndexed || !isLong))
    case 'isNull':
      if (typeof operand !== 'boolean') return problems.add(path, 'must be true or false')
      return counted(compilation, path, operand ? sql`${column} is null` : sql`${column} is not null`)
    default:
      return problems.add(path, `is no operator; operators are ${OPERATORS}`)
  }
}

/**
 * Writes a substring search by bytes, so that no collation makes other characters equal. LIKE would take three times as
 * long.
 */
function contains(column: PgColumn, literal: string): SQL {
  return sql`coalesce(strpos(${column}::text collate "C", ${literal}) > 0, false)`
}

/** Writes a prefix search. LIKE can use an index; without one, only the beginning of a long text is unpacked. */
function startsWith(column: PgColumn, literal: string, isLike: boolean): SQL {
  if (isLike) {
    const escaped = literal.replace(/[\\%_]/g, (character) => `\\${character}`)
    return sql`coalesce(${column} like ${`${escaped}%`}, false)`
  }
  return sql`coalesce(left(${column}, ${charactersOf(literal)}::int) collate "C" = ${literal}, false)`
}

/** Makes a comparison false for a NULL column, as NOT needs it. The plain form can use an index. */
function present(column: PgColumn, condition: SQL): SQL {
  return column.notNull ? sql`(${condition})` : sql`(${condition} and ${column} is not null)`
}

function counted(compilation: Compilation, path: Path, condition: SQL): SQL | undefined {
  compilation.conditions += 1
  if (compilation.conditions <= MAX_CONDITIONS) return condition
  if (compilation.conditions > MAX_CONDITIONS + 1) return undefined
  return compilation.problems.add(path.slice(0, 1), `has more than ${MAX_CONDITIONS} conditions`)
}

function bind(
  compilation: Compilation,
  field: string,
  column: PgColumn,
  value: unknown,
  path: Path,
): SQL | undefined {
  if (!accepts(compilation.entry.valueSchemas.get(field), value, compilation, path)) return undefined
  if (!compilation.operands.take([value])) return undefined
  return sql`${sql.param(value, column)}`
}

/** Binds a list as one array parameter, so that lists of any length share a statement. */
function bindList(
  compilation: Compilation,
  field: string,
  column: PgColumn,
  values: unknown,
  path: Path,
): SQL | undefined {
  if (!Array.isArray(values)) return compilation.problems.add(path, 'must be a list of values')
  if (values.length > MAX_LIST_VALUES)
    return compilation.problems.add(path, `has more than ${MAX_LIST_VALUES} values`)
  for (const [position, value] of values.entries()) {
    if (!accepts(compilation.entry.valueSchemas.get(field), value, compilation, [...path, position]))
      return undefined
  }
  if (!compilation.operands.take(values)) return undefined
  return arrayOf(column, values)
}

/** Binds values of a column's type as one parameter. */
function arrayOf(column: PgColumn, values: readonly unknown[]): SQL {
  const literal = arrayLiteral(values.map((value) => column.mapToDriverValue(value)))
  return sql`${literal}::${operandType(column)}[]`
}

function accepts(
  schema: z.ZodType | undefined,
  value: unknown,
  compilation: Compilation,
  path: Path,
): boolean {
  const parsed = schema?.safeParse(value)
  if (parsed?.success) return true
  const [issue] = parsed?.error.issues ?? []
  const { message, ...told } = issue ? toldOf(issue) : { message: 'is not a value of this field' }
  compilation.problems.add(path, message, told)
  return false
}

/** Writes the text form of a one-dimensional array (PostgreSQL manual, 8.15.2). */
function arrayLiteral(values: readonly unknown[]): string {
  return `{${values.map((value) => `"${String(value).replace(/["\\]/g, (character) => `\\${character}`)}"`).join(',')}}`
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
