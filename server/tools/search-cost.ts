import { is, type SQL, sql } from 'drizzle-orm'
import { PgArray, type PgColumn } from 'drizzle-orm/pg-core'

/**
 * What one call may spend on conditions whose work grows with the size of what they read, in units of about a third
 * of a nanosecond of PostgreSQL: a third of a second, and below a second where PGlite does it.
 */
export const MAX_SEARCH_COST = 1_000_000_000
/** Of a record that is looked at, however small it is. */
const ROW_COST = 5_000
/** After so many records the cost is reached. */
export const MAX_SEARCHED_ROWS = MAX_SEARCH_COST / ROW_COST
/** A sum of these stays a bigint, which is faster to add up. */
const MAX_ROW_COST = 2_000_000_000

/** Of a byte that is found in its place and unpacked. */
const READ_COST = 10
/** Of a byte that is compared by the rules of a language. */
export const ORDER_COST = 30
const EQUALITY_COST = 3
/** An array is measured as it is stored, which may be packed. */
const ELEMENT_COST = 40

/** Adds up what the conditions of one `where` cost for each byte of the columns that they read. */
export class SearchCost {
  readonly #weights = new Map<PgColumn, number>()
  readonly #fields = new Set<string>()

  /** Grows with every condition that costs. */
  get total(): number {
    let sum = 0
    for (const weight of this.#weights.values()) sum += weight
    return sum
  }

  /** The fields that are read. */
  get fields(): readonly string[] {
    return [...this.#fields]
  }

  /** Postgres tries a pattern at every place of a text, in the worst case to the pattern's end. */
  addPattern(field: string, column: PgColumn, pattern: string): void {
    this.#add(field, column, READ_COST + Buffer.byteLength(pattern))
  }

  addOrder(field: string, column: PgColumn): void {
    this.#add(field, column, ORDER_COST)
  }

  /** Texts of different lengths are told apart without being read, so it is the long values that cost. */
  addEquality(field: string, column: PgColumn, longValues: number): void {
    this.#add(field, column, READ_COST + EQUALITY_COST * longValues)
  }

  addElement(field: string, column: PgColumn): void {
    this.#add(field, column, ELEMENT_COST)
  }

  /** What it costs to look at one record. Sizes are read without unpacking the values. */
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
