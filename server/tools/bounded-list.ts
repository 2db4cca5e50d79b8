import { type SQL, sql } from 'drizzle-orm'
import { MAX_PAGE_BYTES } from './sizes.ts'

export interface BoundedList {
  readonly columns: SQL
  /** `from …` and what follows, up to the order. */
  readonly rows: SQL
  /** Newest first by this instant… */
  readonly at: SQL
  /** …and this id. */
  readonly id: SQL
  /** The bytes of a row. */
  readonly size: SQL
  readonly limit: number
}

/**
 * Writes the statement of a list, newest first. A page holds at most `MAX_PAGE_BYTES`, or one larger row. The last column
 * says whether there are more rows.
 */
export function boundedList({ columns, rows, at, id, size, limit }: BoundedList): SQL {
  return sql`
    select * from (
      select _row.*, sum(_size) over _page as _bytes, row_number() over _page as _nth,
        lead(true) over _page is true as _more
      from (
        select ${columns}, ${size} as _size, ${at} as _at, ${id} as _id
        ${rows} order by ${at} desc, ${id} desc limit ${limit + 1}) as _row
      window _page as (order by _at desc, _id desc rows unbounded preceding)) as _list
    where _nth <= ${limit}::int and (_nth = 1 or _bytes <= ${MAX_PAGE_BYTES}::bigint) order by _at desc, _id desc`
}
