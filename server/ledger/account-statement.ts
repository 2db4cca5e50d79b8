import { z } from 'zod'
import { type ActionResult, ok } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import { decodeCursor, encodeCursor, foreignCursor } from '../wire/cursor.ts'
import { type CreditEntry, ENTRY_COLUMNS, readCreditEntry } from './entry.ts'

export interface StatementQuery {
  /** A user's id. */
  readonly account: string
  /** From 1 to `MAX_STATEMENT_LIMIT`. @default 50 */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null | undefined
}

export interface StatementPage {
  readonly account: string
  /** Newest first. */
  readonly entries: readonly CreditEntry[]
  /** Of the next page; null on the last one. */
  readonly nextCursor: string | null
}

export const MAX_STATEMENT_LIMIT = 200
const DEFAULT_LIMIT = 50

const lastSeq = z.tuple([z.int().positive()])
const NEWEST = [Number.MAX_SAFE_INTEGER]

const ENTRIES = `
  select ${ENTRY_COLUMNS} from deputy.credit_entries where account = $1 and seq < $2::bigint order by seq desc limit $3::int`

/** Lists an account's entries, newest first, a page at a time. Does not check whether the caller may read them. */
export async function getStatement(
  database: Database,
  { account, limit = DEFAULT_LIMIT, cursor }: StatementQuery,
): Promise<ActionResult<StatementPage>> {
  const cursorScope = { list: 'credits', filters: { account } }
  const [before] = typeof cursor === 'string' ? (decodeCursor(cursorScope, lastSeq, cursor) ?? []) : NEWEST
  if (before === undefined) return foreignCursor('statement', 'for the same account')
  const { rows } = await database.query({ sql: ENTRIES, params: [account, before, limit + 1] })
  const entries = rows.slice(0, limit).map(readCreditEntry)
  const last = entries.at(-1)
  const nextCursor = last && rows.length > limit ? encodeCursor(cursorScope, [last.seq]) : null
  return ok({ account, entries, nextCursor })
}

/** Lists an account's entries, newest first, over all pages, for a command that has the database itself. */
export async function* listStatement(
  database: Database,
  { account, limit }: { readonly account: string; readonly limit: number },
): AsyncGenerator<CreditEntry, void> {
  let cursor: string | undefined
  for (let left = limit; left > 0; left -= MAX_STATEMENT_LIMIT) {
    const page = await getStatement(database, { account, cursor, limit: Math.min(left, MAX_STATEMENT_LIMIT) })
    if (!page.success) throw new Error(page.error)
    yield* page.data.entries
    if (page.data.nextCursor === null) return
    cursor = page.data.nextCursor
  }
}
