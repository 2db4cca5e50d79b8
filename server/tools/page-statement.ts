import { type SQL, sql } from 'drizzle-orm'
import type { CatalogEntry } from './catalog.ts'
import { ENDS_SEARCH, LOOKED_AT, matches, searchedRows } from './search.ts'
import { isMeasured, MAX_PAGE_BYTES, recordSize } from './sizes.ts'
import type { Search } from './where.ts'

export interface PageRequest {
  readonly entry: CatalogEntry
  /** The condition of a record, with the access rule and the cursor's position. */
  readonly plain: SQL
  readonly search: Search | undefined
  readonly order: SQL
  /** How many records are wanted. */
  readonly limit: number
  /** The columns that follow those of the record. */
  readonly extra: SQL
}

/** Why a page ends before its limit although there are more records. */
export type PageEnd = 'searched' | 'bytes'

/** What a row says about the page, besides its record. */
export interface RowMarks {
  /** Whether the record is on the page: the last one that was looked at may not be. */
  readonly isMatch: boolean
  /** Undefined where the page goes on, or is the last. */
  readonly end: PageEnd | undefined
  /** How many records were looked at with it; 0 where nothing was searched. */
  readonly lookedAt: number
}

const UNMARKED: RowMarks = { isMatch: true, end: undefined, lookedAt: 0 }

/** Builds the statement of one page, which asks for one record more than wanted, and the reader of its marks. */
export function pageStatement(page: PageRequest): {
  readonly statement: SQL
  marksOf(row: readonly unknown[]): RowMarks
} {
  const { entry, plain, search, order, extra } = page
  const measured = isMeasured(entry, page.limit)
  const limit = page.limit + 1
  const columns = sql`${entry.selectList}${extra}`
  if (!search && !measured) {
    const statement = sql`
      select ${columns} from ${entry.table}
      where ${plain} order by ${order} limit ${limit}`
    return { statement, marksOf: () => UNMARKED }
  }
  const marks = search
    ? sql`${matches(search)} as _matches, ${ENDS_SEARCH} as _ends, ${LOOKED_AT} as _place`
    : sql`true as _matches, false as _ends, 0 as _place`
  const source = search
    ? sql`${searchedRows(entry, plain, search, order)} where ${matches(search)} or ${ENDS_SEARCH}`
    : sql`${entry.table} where ${plain}`
  const limited = sql`(select ${entry.selectList}, ${marks} from ${source} order by ${order} limit ${limit})`
  const name = sql.identifier(entry.name)
  const statement = measured
    ? sql`
      select ${columns}, _matches, _ends, _place, _more from (
        select ${name}.*, sum(${recordSize(entry)}) over _page as _bytes,
          row_number() over _page as _nth, lead(true) over _page is true as _more
        from ${limited} as ${name} window _page as (order by ${order} rows unbounded preceding)) as ${name}
      where _nth = 1 or _bytes <= ${MAX_PAGE_BYTES}::bigint order by ${order}`
    : sql`select ${columns}, _matches, _ends, _place, false from ${limited} as ${name} order by ${order}`
  return { statement, marksOf }
}

function marksOf(row: readonly unknown[]): RowMarks {
  const [isMatch, ends, lookedAt, more] = row.slice(-4)
  const end = ends === true ? 'searched' : more === true ? 'bytes' : undefined
  return { isMatch: isMatch === true, end, lookedAt: Number(lookedAt) }
}
