import { is, type SQL, sql } from 'drizzle-orm'
import { type PgColumn, PgText, PgTimestamp } from 'drizzle-orm/pg-core'
import type { Page, RecordEnvelope } from '../core/record.ts'
import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import { FORWARD_RULE } from '../wire/page-input.ts'
import { systemColumns } from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'
import { columnType } from './column-type.ts'
import {
  decodeRecordCursor,
  encodeRecordCursor,
  isColumnText,
  isValueOf,
  type QueryScope,
  type RecordPosition,
} from './cursor.ts'
import { type PageEnd, pageStatement } from './page-statement.ts'
import { Problems, quote } from './problems.ts'
import { narrowing, searchedTooMuch } from './search.ts'
import { MAX_SEARCH_COST, ORDER_COST } from './search-cost.ts'
import { isLongText, MAX_PAGE_BYTES } from './sizes.ts'
import type { ReadRuntime } from './tool-runtime.ts'
import type { VisibleRecords } from './visible-records.ts'
import { type Conditions, compileWhere, type Search } from './where.ts'

const MAX_LIMIT = 1_000
const MAX_SORTED_BYTES = Math.floor(MAX_SEARCH_COST / ORDER_COST)
const OPTIONS: readonly string[] = ['where', 'orderBy', 'orderDir', 'limit', 'cursor', 'direction']

/** Lists records in a stable order, a page at a time. */
export async function query(
  runtime: ReadRuntime,
  visible: VisibleRecords,
  options: unknown = {},
): Promise<ActionResult<Page<RecordEnvelope>>> {
  const { entry } = visible
  const problems = new Problems()
  const plan = parse(visible, options, problems)
  const failure = problems.failure()
  if (failure || !plan) return failure ?? fail('BAD_REQUEST', 'The options of a query must be an object.')

  const { column, cursorScope, conditions, limit = MAX_LIMIT } = plan
  const { recordId } = systemColumns(entry)
  const direction = cursorScope.orderDir === 'asc' ? sql`asc` : sql`desc`
  const start = plan.after && (await positionOf(runtime, visible, column, plan.after))
  if (start && 'success' in start) return start
  const after = start && keyset(column, recordId, cursorScope.orderDir, start)
  const left = [conditions.plain, after, visible.within].filter((part) => part !== undefined)
  const plain = sql.join(left, sql` and `)
  const unsortable = await refuseSort(runtime, visible, cursorScope.orderBy, plain)
  if (unsortable) return unsortable
  const order =
    column === recordId
      ? sql`${recordId} ${direction}`
      : sql`${column} ${direction}, ${recordId} ${direction}`
  const position = orderText(entry, column)
  const { search } = conditions
  const page = pageStatement({ entry, plain, search, order, limit, extra: position.extra })
  const { rows } = await runtime.execute(page.statement)

  const isFull = rows.length > limit
  const last = rows[Math.min(rows.length, limit) - 1]
  const marks = last && page.marksOf(last)
  const end = isFull ? undefined : marks?.end
  if (plan.limit === undefined && (isFull || end)) return withoutLimit(entry, search, end, marks?.lookedAt)
  const records = rows
    .slice(0, limit)
    .filter((row) => page.marksOf(row).isMatch)
    .map(entry.toEnvelope)
  const nextCursor =
    last && (isFull || end)
      ? encodeRecordCursor(cursorScope, {
          value: textOrNull(last[position.index]),
          recordId: entry.toEnvelope(last).recordId,
        })
      : null
  return ok({ records, count: records.length, nextCursor })
}

/** Refuses a query without a limit that matches too much: without a limit the caller wants every match. */
function withoutLimit(
  entry: CatalogEntry,
  search: Search | undefined,
  end: PageEnd | undefined,
  lookedAt: number | undefined,
): Failure {
  const paging = 'give a limit and follow nextCursor'
  if (end === 'searched' && search) return searchedTooMuch(entry, search, lookedAt, `, or ${paging}`)
  const most =
    end === 'bytes' ? `More than ${MAX_PAGE_BYTES} bytes of records` : `More than ${MAX_LIMIT} records`
  return fail('BAD_REQUEST', `${most} of ${quote(entry.name)} match; ${paging}, or narrow where.`)
}

/** Completes a position whose value is too long for a cursor: reads it from the record, if it has not changed. */
async function positionOf(
  runtime: ReadRuntime,
  { entry, within }: VisibleRecords,
  column: PgColumn,
  after: RecordPosition,
): Promise<RecordPosition | Failure> {
  if (after.digest === undefined) return after
  const { recordId } = systemColumns(entry)
  const answer = await runtime.execute(
    sql`select ${column}::text from ${entry.table} where ${recordId} = ${after.recordId}::text and ${within}`,
  )
  const value = answer.rows[0]?.[0]
  if (isValueOf(after, value)) return { value, recordId: after.recordId }
  return fail(
    'BAD_REQUEST',
    'cursor: the record that the page before ended with has changed or is gone; begin again without a cursor.',
  )
}

/** Refuses to sort long texts without an index, which compares all of them many times. */
async function refuseSort(
  runtime: ReadRuntime,
  { entry }: VisibleRecords,
  orderBy: string,
  plain: SQL,
): Promise<Failure | undefined> {
  const column = entry.columns.get(orderBy)
  if (!column || !isLongText(entry, orderBy) || entry.indexed.ordered.has(orderBy)) return undefined
  const answer = await runtime.execute(
    sql`select coalesce(sum(octet_length(${column})), 0) from ${entry.table} where ${plain}`,
  )
  const bytes = Number(answer.rows[0]?.[0])
  if (bytes <= MAX_SORTED_BYTES) return undefined
  return fail(
    'BAD_REQUEST',
    `To order by ${quote(orderBy)}, which has no index, ${bytes} bytes of ${quote(entry.name)} would have to be compared, more than ${MAX_SORTED_BYTES}; order by another field, or ${narrowing(entry, [])}.`,
  )
}

/**
 * Finds where a row has the order's value as text: a page must start exactly where the last one ended, to the last digit.
 * A column that is read as text anyway is not selected twice.
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
  readonly cursorScope: QueryScope
  readonly conditions: Conditions
  readonly limit: number | undefined
  readonly after: RecordPosition | undefined
}

function parse({ entry, reader }: VisibleRecords, options: unknown, problems: Problems): Plan | undefined {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return problems.add(['options'], 'must be an object')
  }
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key)) problems.add([key], `is no option; options are ${OPTIONS.join(', ')}`)
  }
  const {
    where,
    orderBy = 'createdAt',
    orderDir = 'desc',
    limit,
    cursor,
    direction = 'forward',
  }: QueryArguments = options
  const conditions = compileWhere(entry, where, problems)
  if (
    limit !== undefined &&
    !(typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_LIMIT)
  ) {
    problems.add(['limit'], `must be a whole number from 1 to ${MAX_LIMIT}`)
  }
  if (direction !== 'forward') return problems.add(['direction'], FORWARD_RULE)
  if (orderDir !== 'asc' && orderDir !== 'desc') return problems.add(['orderDir'], 'must be "asc" or "desc"')
  const column = typeof orderBy === 'string' && orderBy !== 'version' ? entry.columns.get(orderBy) : undefined
  if (!column || typeof orderBy !== 'string') {
    return problems.unknownField(entry, typeof orderBy === 'string' ? orderBy : typeof orderBy, ['orderBy'])
  }
  if (!entry.types.get(orderBy)?.isComparable) return problems.add(['orderBy'], 'is a field without an order')
  if (problems.count > 0) return undefined

  const cursorScope: QueryScope = { collection: entry.name, orderBy, orderDir, where, reader }
  const after = typeof cursor === 'string' ? decodeRecordCursor(cursorScope, cursor) : undefined
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
    conditions,
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
  readonly direction?: unknown
}

/** Writes the condition for the records after a position. Postgres sorts NULLs last ascending, and first descending. */
function keyset(column: PgColumn, recordId: PgColumn, direction: 'asc' | 'desc', after: RecordPosition): SQL {
  const id = sql`${after.recordId}::text`
  const further = direction === 'asc' ? sql`>` : sql`<`
  if (column === recordId) return sql`${recordId} ${further} ${id}`
  if (after.value === null) {
    const inside = sql`(${column} is null and ${recordId} ${further} ${id})`
    return direction === 'asc' ? inside : sql`(${inside} or ${column} is not null)`
  }
  // Cast from text: the driver would read any text for a boolean column as false.
  const value = sql`${after.value}::text::${columnType(column)}`
  const past = sql`(${column}, ${recordId}) ${further} (${value}, ${id})`
  return column.notNull || direction === 'desc' ? past : sql`(${past} or ${column} is null)`
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
