import { is, type SQL, sql } from 'drizzle-orm'
import { PgArray, type PgColumn } from 'drizzle-orm/pg-core'

/**
 * The most that one call may spend on conditions whose work grows with the size of the values. A unit is about a third of
 * a nanosecond of PostgreSQL, so this is a third of a second, and less than a second on PGlite.
 */
export const MAX_SEARCH_COST = 1_000_000_000
/** The cost of looking at any record. */
const ROW_COST = 5_000
/** The number of records whose row cost alone is the limit. */
export const MAX_SEARCHED_ROWS = MAX_SEARCH_COST / ROW_COST
/** The largest cost of a row: sums of it stay a bigint, which is faster to add. */
const MAX_ROW_COST = 2_000_000_000

/** The cost of a byte that is read and unpacked. */
const READ_COST = 10
/** The cost of a byte that is compared by a language's collation. */
export const ORDER_COST = 30
const EQUALITY_COST = 3
/** The cost of a stored byte of an array, which may be packed. */
const ELEMENT_COST = 40

/** Adds up the cost of one `where`, for each byte of the columns that it reads. */
export class SearchCost {
  readonly #weights = new Map<PgColumn, number>()
  readonly #fields = new Set<string>()

  /** The sum so far. */
  get total(): number {
    let sum = 0
    for (const weight of this.#weights.values()) sum += weight
    return sum
  }

  /** The fields that are read. */
  get fields(): readonly string[] {
    return [...this.#fields]
  }

  /** Adds a pattern, which Postgres tries at every place of a text, in the worst case to the pattern's end. */
  addPattern(field: string, column: PgColumn, pattern: string): void {
    this.#add(field, column, READ_COST + Buffer.byteLength(pattern))
  }

  addOrder(field: string, column: PgColumn): void {
    this.#add(field, column, ORDER_COST)
  }

  /** Adds comparisons with long values: texts of different lengths are told apart without being read. */
  addEquality(field: string, column: PgColumn, longValues: number): void {
    this.#add(field, column, READ_COST + EQUALITY_COST * longValues)
  }

  addElement(field: string, column: PgColumn): void {
    this.#add(field, column, ELEMENT_COST)
  }

  /** Writes the cost of looking at one record. Sizes are read without unpacking the values. */
  perRow(): SQL {
    const parts = [...this.#weights].map(([column, weight]) => {
      const size = is(column, PgArray) ? sql`pg_column_size(${column})` : sql`octet_length(${column})`
      return sql`coalesce(${size}, 0)::bigint * ${weight}::int`
    })
    const cost = sql.join([sql`${ROW_COST}::bigint`, ...parts], sql` + `)
    return sql`least(${cost}, ${MAX_ROW_COST}::bigint)::int`
  }

  #add(field: string, column: PgColumn, weight: number): void {
    this.#weights.set(column, (this.#weights.get(column) ?? 0) + weight)
    this.#fields.add(field)
  }
}
