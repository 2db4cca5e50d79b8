import { is, type SQL, sql } from 'drizzle-orm'
import { type PgColumn, PgText, PgTimestamp } from 'drizzle-orm/pg-core'
import { type ActionResult, fail, ok } from '../result.ts'
import type { CatalogEntry } from './catalog.ts'
import { columnType } from './column-type.ts'
import { type CursorPosition, type CursorScope, decodeCursor, encodeCursor } from './cursor.ts'
import { isColumnText } from './cursor-value.ts'
import { systemColumns } from './data.ts'
import { Problems, quote } from './problems.ts'
import type { Reach } from './reach.ts'
import type { ReadScope } from './scope.ts'
import type { Envelope, Page } from './types.ts'
import { compileWhere } from './where.ts'

const MAX_LIMIT = 1_000
const OPTIONS: readonly string[] = ['where', 'orderBy', 'orderDir', 'limit', 'cursor']
const UNORDERED_TYPES: ReadonlySet<string> = new Set(['json', 'array', 'buffer', 'custom'])

/** Lists records in a stable order, a page at a time. */
export async function query(
  scope: ReadScope,
  reach: Reach,
  options: unknown = {},
): Promise<ActionResult<Page<Envelope>>> {
  const { entry } = reach
  const problems = new Problems()
  const plan = parse(reach, options, problems)
  const failure = problems.failure()
  if (failure || !plan) return failure ?? fail('BAD_REQUEST', 'The options of a query must be an object.')

  const { column, cursorScope, limit } = plan
  const { recordId } = systemColumns(entry)
  const direction = cursorScope.orderDir === 'asc' ? sql`asc` : sql`desc`
  const conditions = [
    plan.where,
    plan.after && keyset(column, recordId, cursorScope.orderDir, plan.after),
    reach.within,
  ].filter((part) => part !== undefined)
  const order =
    column === recordId
      ? sql`${recordId} ${direction}`
      : sql`${column} ${direction}, ${recordId} ${direction}`
  const position = orderText(entry, column)
  const answer = await scope.execute(sql`
    select ${entry.selectList}${position.extra} from ${entry.table}
    where ${sql.join(conditions, sql` and `)}
    order by ${order} limit ${(limit ?? MAX_LIMIT) + 1}`)

  const hasMore = answer.rows.length > (limit ?? MAX_LIMIT)
  if (hasMore && limit === undefined) {
    return fail(
      'BAD_REQUEST',
      `More than ${MAX_LIMIT} records of ${quote(entry.name)} match; give a limit and follow nextCursor, or narrow where.`,
    )
  }
  const rows = hasMore ? answer.rows.slice(0, limit) : answer.rows
  const records = rows.map(entry.toEnvelope)
  const last = rows.at(-1)
  const end = records.at(-1)
  const nextCursor =
    hasMore && last && end
      ? encodeCursor(cursorScope, { value: textOrNull(last[position.index]), recordId: end.recordId })
      : null
  if (nextCursor === undefined) {
    return fail(
      'BAD_REQUEST',
      `A value of ${quote(cursorScope.orderBy)} at the end of this page is too long to go on from; order by another field.`,
    )
  }
  return ok({ records, count: records.length, nextCursor })
}

/**
 * Where a row has the order's value as text: a page must start exactly where the last one ended, to the last digit.
 * What is read as text anyway is not asked for twice.
 */
function orderText(
  { columns }: CatalogEntry,
  column: PgColumn,
): { readonly extra: SQL; readonly index: number } {
  if (!is(column, PgText) && !is(column, PgTimestamp))
    return { extra: sql`, ${column}::text`, index: columns.size }
  return { extra: sql``, index: [...columns.values()].indexOf(column) }
}

interface Plan {
  readonly column: PgColumn
  readonly cursorScope: CursorScope
  readonly where: SQL | undefined
  readonly limit: number | undefined
  readonly after: CursorPosition | undefined
}

function parse({ entry, reader }: Reach, options: unknown, problems: Problems): Plan | undefined {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return problems.add(['options'], 'must be an object')
  }
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key)) problems.add([key], `is no option; options are ${OPTIONS.join(', ')}`)
  }
  const { where, orderBy = 'createdAt', orderDir = 'desc', limit, cursor }: QueryArguments = options
  const condition = compileWhere(entry, where, problems)
  if (
    limit !== undefined &&
    !(typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_LIMIT)
  ) {
    problems.add(['limit'], `must be a whole number from 1 to ${MAX_LIMIT}`)
  }
  if (orderDir !== 'asc' && orderDir !== 'desc') return problems.add(['orderDir'], 'must be "asc" or "desc"')
  const column = typeof orderBy === 'string' && orderBy !== 'version' ? entry.columns.get(orderBy) : undefined
  if (!column || typeof orderBy !== 'string') {
    return problems.unknownField(entry, typeof orderBy === 'string' ? orderBy : typeof orderBy, ['orderBy'])
  }
  if (UNORDERED_TYPES.has(column.dataType)) return problems.add(['orderBy'], 'is a field without an order')
  if (problems.count > 0) return undefined

  const cursorScope: CursorScope = { collection: entry.name, orderBy, orderDir, where, reader }
  const after = typeof cursor === 'string' ? decodeCursor(cursorScope, cursor) : undefined
  const isFromPage = after && (after.value === null || isColumnText(column, after.value))
  if (cursor !== undefined && cursor !== null && !isFromPage) {
    return problems.add(
      ['cursor'],
      'does not belong to this query; pass nextCursor of the page before, with the same options',
    )
  }
  return {
    column,
    cursorScope,
    where: condition,
    limit: typeof limit === 'number' ? limit : undefined,
    after,
  }
}

interface QueryArguments {
  readonly where?: unknown
  readonly orderBy?: unknown
  readonly orderDir?: unknown
  readonly limit?: unknown
  readonly cursor?: unknown
}

/** The records after a position. Postgres sorts NULLs last going up, and first going down. */
function keyset(column: PgColumn, recordId: PgColumn, direction: 'asc' | 'desc', after: CursorPosition): SQL {
  const id = sql`${after.recordId}::text`
  const further = direction === 'asc' ? sql`>` : sql`<`
  if (column === recordId) return sql`${recordId} ${further} ${id}`
  if (after.value === null) {
    const inside = sql`(${column} is null and ${recordId} ${further} ${id})`
    return direction === 'asc' ? inside : sql`(${inside} or ${column} is not null)`
  }
  // By way of text: a driver would take a text for a boolean column as false.
  const value = sql`${after.value}::text::${columnType(column)}`
  const past = sql`(${column}, ${recordId}) ${further} (${value}, ${id})`
  return column.notNull || direction === 'desc' ? past : sql`(${past} or ${column} is null)`
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
