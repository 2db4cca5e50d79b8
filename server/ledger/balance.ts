import { z } from 'zod'
import { type ActionResult, ok } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import { decodeCursor, encodeCursor, foreignCursor, positionText } from '../wire/cursor.ts'

/** An account's credits, in whole micro-credits. */
export interface Balance {
  /** A user's id. */
  readonly account: string
  /** What can be spent. */
  readonly available: number
  /** Reserved for calls whose cost is not known yet. */
  readonly reserved: number
}

export interface BalancesQuery {
  /** From 1 to `MAX_BALANCES_LIMIT`. @default 50 */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null | undefined
}

export interface BalancesPage {
  /** By account. */
  readonly balances: readonly Balance[]
  /** Of the next page; null on the last one. */
  readonly nextCursor: string | null
}

export const MAX_BALANCES_LIMIT = 200
const DEFAULT_LIMIT = 50
const CURSOR_SCOPE = { list: 'balances', filters: {} }
const lastAccount = z.tuple([positionText])

const BALANCE = 'select available, reserved from deputy.credit_accounts where account = $1'
const BALANCES = `
  select account, available, reserved from deputy.credit_accounts where account > $1 order by account limit $2::int`

/** Reads an account's balance, 0 for an account without a grant. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function getBalance(database: Database, account: string): Promise<Balance> {
  const { rows } = await database.query({ sql: BALANCE, params: [account] })
  const [available = 0, reserved = 0] = rows[0]?.map(Number) ?? []
  return { account, available, reserved }
}

/** Lists all accounts, a page at a time. Does not check whether the caller may see them. */
export async function getBalances(
  database: Database,
  { limit = DEFAULT_LIMIT, cursor }: BalancesQuery,
): Promise<ActionResult<BalancesPage>> {
  const [after] = typeof cursor === 'string' ? (decodeCursor(CURSOR_SCOPE, lastAccount, cursor) ?? []) : ['']
  if (after === undefined) return foreignCursor('list', 'of all accounts')
  const { rows } = await database.query({ sql: BALANCES, params: [after, limit + 1] })
  const balances = rows.slice(0, limit).map(readBalance)
  const last = balances.at(-1)
  const nextCursor = last && rows.length > limit ? encodeCursor(CURSOR_SCOPE, [last.account]) : null
  return ok({ balances, nextCursor })
}

/** Lists all accounts, over all pages, for a command that has the database itself. */
export async function* listBalances(database: Database): AsyncGenerator<Balance, void> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await getBalances(database, { cursor, limit: MAX_BALANCES_LIMIT })
    if (!page.success) throw new Error(page.error)
    yield* page.data.balances
    cursor = page.data.nextCursor
  }
}

function readBalance([account, available, reserved]: readonly unknown[]): Balance {
  return { account: String(account), available: Number(available), reserved: Number(reserved) }
}
