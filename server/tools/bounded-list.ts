import { type SQL, sql } from 'drizzle-orm'
import { MAX_PAGE_BYTES } from './record-size.ts'

export interface BoundedList {
  readonly columns: SQL
  /** `from …` and what follows, up to the order. */
  readonly rows: SQL
  readonly order: SQL
  /** The bytes of a row. */
  readonly size: SQL
  readonly limit: number
}

/** A list of which no page holds more than a page of records may, or one larger row. Its last column says whether there are more. */
export function boundedList({ columns, rows, order, size, limit }: BoundedList): SQL {
  return sql`
    select * from (
      select ${columns}, sum(${size}) over _page as _bytes, row_number() over _page as _nth,
        lead(true) over _page is true as _more
      ${rows} window _page as (order by ${order} rows unbounded preceding) order by ${order} limit ${limit}) as _list
    where _nth = 1 or _bytes <= ${MAX_PAGE_BYTES}::bigint`
}
