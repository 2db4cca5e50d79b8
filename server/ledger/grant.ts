import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import { type Database, SqlError } from '../db/database.ts'
import { MAX_MICRO_CREDITS } from '../wire/amount.ts'
import type { Balance } from './balance.ts'

export interface GrantRequest {
  /** A user's id. */
  readonly account: string
  /** In whole micro-credits. */
  readonly amount: number
  /** The same key grants once, for ever. */
  readonly key: string
  /** The user who grants; null for the server itself and its commands. */
  readonly grantedBy: string | null
}

/** The balance right after a grant. */
export interface GrantResult extends Balance {
  /** In whole micro-credits. */
  readonly granted: number
  /** Whether an earlier call with the same key did it. */
  readonly isReplay: boolean
}

// One statement, committed by itself: entry and balance, or neither. The account's row is locked before the entry
// draws its number, so that numbers grow in the order in which the account changed. Reserved credits count as well: they
// may come back.
const GRANT = `
  with raised as (
    insert into deputy.credit_accounts as held (account, available, reserved)
    select $1::text, $2::bigint, 0
    where not exists (select 1 from deputy.credit_entries where kind = 'grant' and grant_key = $3)
    on conflict (account) do update set available = held.available + excluded.available
      where held.available + held.reserved + excluded.available <= ${MAX_MICRO_CREDITS}
    returning account, available, reserved),
  entry as (
    insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, grant_key, granted_by)
    select account, 'grant', $2::bigint, 0, $3, $4 from raised)
  select available, reserved from raised`

// The balance after the grant: that of now, without the entries since.
const GRANTED = `
  select entry.account, entry.available_delta, held.available - since.available, held.reserved - since.reserved
  from deputy.credit_entries as entry
  join deputy.credit_accounts as held on held.account = entry.account
  cross join lateral (
    select coalesce(sum(available_delta), 0) as available, coalesce(sum(reserved_delta), 0) as reserved
    from deputy.credit_entries where account = entry.account and seq > entry.seq) as since
  where entry.kind = 'grant' and entry.grant_key = $1`

/**
 * Puts credits into an account, once for its key.
 *
 * @returns UNPROCESSABLE_CONTENT for a key that granted something else, BAD_REQUEST for more than an account may hold.
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function grant(database: Database, request: GrantRequest): Promise<ActionResult<GrantResult>> {
  const { account, amount, key, grantedBy } = request
  try {
    const params = [account, amount, key, grantedBy]
    const { rows } = await database.write({ sql: GRANT, params })
    if (rows[0]) {
      const [available, reserved] = rows[0].map(Number)
      return ok({
        account,
        available: available ?? 0,
        reserved: reserved ?? 0,
        granted: amount,
        isReplay: false,
      })
    }
  } catch (error) {
    // Another grant with this key was faster, and is committed now.
    if (!(error instanceof SqlError && error.constraint === 'credit_entries_grant_key')) throw error
  }
  const before = await findGrant(database, key)
  if (!before) return tooMuch(account)
  return before.account === account && before.granted === amount ? ok(before) : otherGrant()
}

/** Finds what a key has granted; undefined for an unused key. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function findGrant(database: Database, key: string): Promise<GrantResult | undefined> {
  const { rows } = await database.query({ sql: GRANTED, params: [key] })
  const [row] = rows
  if (!row) return undefined
  const [account, granted, available, reserved] = row
  return {
    account: String(account),
    available: Number(available),
    reserved: Number(reserved),
    granted: Number(granted),
    isReplay: true,
  }
}

function otherGrant(): Failure {
  return fail(
    'UNPROCESSABLE_CONTENT',
    'This key was used for a grant of another amount or to another account; use a new key for a new grant.',
  )
}

function tooMuch(account: string): Failure {
  const message = `would leave the account ${JSON.stringify(account)} with more than ${MAX_MICRO_CREDITS} micro-credits; grant less`
  return fail('BAD_REQUEST', `amount: ${message}`, {
    issues: [{ path: ['amount'], message, code: 'invalid_argument' }],
  })
}
