import { type SQL, sql } from 'drizzle-orm'
import { type Failure, fail } from '../core/result.ts'
import type { CatalogEntry } from './catalog.ts'
import { quote } from './problems.ts'
import { MAX_SEARCH_COST, MAX_SEARCHED_ROWS } from './search-cost.ts'
import type { Search } from './where.ts'

const MOST = sql`${MAX_SEARCH_COST}::bigint`

/** Whether a record of `searchedRows` is looked at: the records before it cost less than one call may. */
export const IS_LOOKED_AT: SQL = sql`(_spent < ${MOST})`
/** Whether a record is the last that is looked at, although there are more. */
export const ENDS_SEARCH: SQL = sql`(_spent < ${MOST} and _spent + _cost >= ${MOST} and _more)`
/** How many records have been looked at, with this one. */
export const LOOKED_AT: SQL = sql`_looked_at`

/**
 * Writes a row source under the table's own name: the records that meet the plain conditions, each with the cost of those
 * before it. With `matches`, a statement reads no more than one call may, however long the values are.
 */
export function searchedRows(entry: CatalogEntry, plain: SQL, { cost }: Search, order: SQL | undefined): SQL {
  const name = sql.identifier(entry.name)
  const ordered = order ? sql`order by ${order}` : sql``
  const perRow = cost.perRow()
  return sql`(
    select ${name}.*, ${perRow} as _cost,
      coalesce(sum(${perRow}) over (_before rows between unbounded preceding and 1 preceding), 0) as _spent,
      row_number() over _before as _looked_at, lead(true) over _before is true as _more
    from (select ${entry.selectList} from ${entry.table} where ${plain} ${ordered}
      limit ${MAX_SEARCHED_ROWS + 1}) as ${name}
    window _before as (${ordered})) as ${name}`
}

/** Writes the condition that a record is looked at and matches. */
export function matches({ condition }: Search): SQL {
  return sql`(case when ${IS_LOOKED_AT} then ${condition} else false end)`
}

/** Makes the failure of a search that would have to look at more than one call may. */
export function searchedTooMuch(
  entry: CatalogEntry,
  { cost }: Search,
  lookedAt: unknown,
  otherwise: string,
): Failure {
  const fields = cost.fields.map(quote).join(' and ')
  return fail(
    'BAD_REQUEST',
    `After ${Number(lookedAt)} records of ${quote(entry.name)}, the conditions on ${fields} have cost what one call may, and there are more; ${narrowing(entry, cost.fields)}${otherwise}.`,
  )
}

/** Says how to narrow a search, for a message. */
export function narrowing(entry: CatalogEntry, besides: readonly string[]): string {
  const fields = [...entry.columns.keys()].filter(
    (field) => entry.indexed.ordered.has(field) && !besides.includes(field),
  )
  return `narrow where by a field with an index, of which there are ${fields.join(', ')}`
}
