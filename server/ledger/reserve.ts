import type { Failure } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import { LOCK_PATIENCE } from '../db/batches.ts'
import { type Database, SqlError } from '../db/database.ts'
import { budgetUsedUp, notEnough, tooBusy } from './refusals.ts'
import type {
  ReservationAccount,
  ReservationOrder,
  ReservationRequest,
  ReservationState,
} from './reservation.ts'

const MAX_TRIES = 10
export const NO_LIMIT = 9_000_000_000_000_000

// One statement, committed by itself: all of it or nothing. What a limit forbids breaks a check, and undoes the rest.
// A reservation of a dead holder is taken over as it is: it is paid for and counted. So is the holder's own, when the
// answer to its statement was lost.
const RESERVE = `
  with wanted as materialized (
    select * from jsonb_to_recordset($1::text::jsonb)
      as it(effect text, hold text, amount bigint, endpoint text, transport text)),
  fresh as materialized (
    select * from wanted where not exists (select 1 from deputy.credit_holds as hold where hold.effect = wanted.effect)),
  due as materialized (select coalesce(sum(amount), 0)::bigint as amount, count(*) as calls from fresh),
  paid as (
    update deputy.credit_accounts as it set available = it.available - due.amount, reserved = it.reserved + due.amount
    from due where it.account = $2 and $3::boolean and due.amount > 0 and it.available >= due.amount
    returning 1),
  go as materialized (
    select 1 from due where not $3::boolean or due.amount = 0 or exists (select 1 from paid)),
  counted as (
    insert into deputy.budget_days (budget, subject, day, calls, credits, max_calls, max_credits)
    select use.budget, use.subject, (now() at time zone 'utc')::date, due.calls, due.amount, use.max_calls, use.max_credits
    from go, due, jsonb_to_recordset($10::text::jsonb)
      as use(budget text, subject text, max_calls bigint, max_credits bigint)
    where due.calls > 0 order by use.budget, use.subject
    on conflict (budget, subject, day) do update set
      calls = budget_days.calls + excluded.calls, credits = budget_days.credits + excluded.credits,
      max_calls = excluded.max_calls, max_credits = excluded.max_credits),
  held as (
    insert into deputy.credit_holds (effect, hold, amount, endpoint, transport, account, is_metered, payer, caller, action,
      invocation, holder, lease_until, budgets, day, state)
    select effect, hold, amount, endpoint, transport, $2, $3::boolean, $4, $5, $6, $7, $8,
      now() + $9::int * interval '1 millisecond', $10::text::jsonb, (now() at time zone 'utc')::date, $11
    from go, fresh
    returning *),
  adopted as (
    update deputy.credit_holds as it set holder = $8, lease_until = now() + $9::int * interval '1 millisecond', state = $11
    from go, wanted where it.effect = wanted.effect and (it.state = 'reserved' or it.holder = $8)
    returning 1),
  entries as (
    insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, hold, effect, payer, caller, action,
      invocation, endpoint, transport)
    select account, 'reserve', -amount, amount, hold, effect, payer, caller, action, invocation, endpoint, transport
    from held where is_metered and amount > 0)
  select (select count(*) from go), (select count(*) from held) + (select count(*) from adopted),
    (select amount from due), (select available from deputy.credit_accounts where account = $2)`

/**
 * Reserves what side effects may cost from one account, and counts them against its budgets: all of them, or, with a
 * failure, none.
 *
 * @param state of the new reservations. @default 'reserved'
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function reserve(
  database: Database,
  account: ReservationAccount,
  requests: readonly ReservationRequest[],
  state: ReservationState = 'reserved',
): Promise<Failure | undefined> {
  const statement = { sql: RESERVE, params: [...paramsOf(account, requests), state] }
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    try {
      const { rows } = await database.write(statement)
      const [went, done, required, available] = (rows[0] ?? []).map(Number)
      if (went === 1 && done === requests.length) return undefined
      // The account had enough when the statement began: then another call was faster.
      if (went === 0 && (required ?? 0) > (available ?? 0))
        return notEnough(account, available ?? 0, required ?? 0)
    } catch (error) {
      const refusal = await refusalOf(database, account, requests, error)
      if (refusal !== 'again') return refusal
    }
  }
  return tooBusy()
}

/** Converts the budgets of a reservation to their stored form. */
function budgetLimits({ budgets }: ReservationAccount) {
  return budgets.map(({ budget, subject, limit }) => ({
    budget,
    subject,
    max_calls: limit.calls ?? NO_LIMIT,
    max_credits: limit.credits ?? NO_LIMIT,
  }))
}

function paramsOf(account: ReservationAccount, requests: readonly ReservationRequest[]): readonly unknown[] {
  return [
    JSON.stringify(requests.map((request) => ({ ...request, effect: request.effectId, hold: uuidv7() }))),
    account.account,
    account.isMetered,
    account.payer,
    account.caller,
    account.action,
    account.invocation,
    account.holder,
    Math.ceil(account.leaseMs),
    JSON.stringify(budgetLimits(account)),
  ]
}

/** Converts an error of a reservation; `again` when the next attempt may succeed. @throws any other error */
async function refusalOf(
  database: Database,
  account: ReservationAccount,
  requests: readonly ReservationRequest[],
  error: unknown,
): Promise<Failure | 'again'> {
  if (!(error instanceof SqlError)) throw error
  switch (error.sqlstate) {
    case '40001':
    case '40P01':
    case '23505': // Another attempt at the same effect came first.
      return 'again'
    case '23514':
      if (error.table !== 'budget_days') throw error
      return (await budgetUsedUp(database, account, requests)) ?? 'again'
    default:
      throw error
  }
}

// One statement, committed by itself. An order succeeds if it and those before it fit into the locked rows. Others, and
// side effects with a reservation, get a statement of their own, which says why.
const RESERVE_BATCH = `
  with patience as materialized (${LOCK_PATIENCE}),
  today as materialized (select (now() at time zone 'utc')::date as day),
  wanted as materialized (
    select * from jsonb_to_recordset($1::text::jsonb)
      as it(nth int, effect text, hold text, amount bigint, endpoint text, transport text, state text, account text,
        is_metered boolean, payer text, caller text, action text, invocation text, holder text, lease_ms int,
        budgets jsonb)),
  charged as materialized (
    select nth, account, amount, sum(amount) over (partition by account order by nth) as needed
    from wanted where is_metered and amount > 0),
  accounts as materialized (
    select it.account, it.available from deputy.credit_accounts as it
    where it.account in (select account from charged) and (select count(*) from patience) > 0
    order by it.account for update),
  counted as materialized (
    select wanted.nth, use.budget, use.subject, use.max_calls, use.max_credits, wanted.amount,
      count(*) over same as calls, sum(wanted.amount) over same as credits
    from wanted, jsonb_to_recordset(wanted.budgets)
      as use(budget text, subject text, max_calls bigint, max_credits bigint)
    window same as (partition by use.budget, use.subject order by wanted.nth)),
  days as materialized (
    select it.budget, it.subject, it.calls, it.credits from deputy.budget_days as it
    where (it.budget, it.subject) in (select budget, subject from counted) and it.day = (select day from today)
      and (select count(*) from accounts) >= 0
    order by it.budget, it.subject for update),
  alone as materialized (
    select nth from charged left join accounts using (account) where charged.needed > coalesce(accounts.available, 0)
    union all
    select nth from counted left join days using (budget, subject)
    where coalesce(days.calls, 0) + counted.calls > counted.max_calls
      or coalesce(days.credits, 0) + counted.credits > counted.max_credits
    union all
    select nth from wanted join deputy.credit_holds as hold using (effect)),
  go as materialized (select * from wanted where nth not in (select nth from alone)),
  paid as (
    update deputy.credit_accounts as it set available = it.available - due.amount, reserved = it.reserved + due.amount
    from (select account, sum(amount) as amount from charged where nth in (select nth from go) group by account) as due
    where it.account = due.account
    returning 1),
  used as (
    insert into deputy.budget_days (budget, subject, day, calls, credits, max_calls, max_credits)
    select budget, subject, (select day from today), count(*), sum(amount), min(max_calls), min(max_credits)
    from counted where nth in (select nth from go) group by budget, subject order by budget, subject
    on conflict (budget, subject, day) do update set
      calls = budget_days.calls + excluded.calls, credits = budget_days.credits + excluded.credits,
      max_calls = excluded.max_calls, max_credits = excluded.max_credits),
  held as (
    insert into deputy.credit_holds (effect, hold, amount, endpoint, transport, account, is_metered, payer, caller, action,
      invocation, holder, lease_until, budgets, day, state)
    select effect, hold, amount, endpoint, transport, account, is_metered, payer, caller, action, invocation, holder,
      now() + lease_ms * interval '1 millisecond', budgets, (select day from today), state
    from go),
  entries as (
    insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, hold, effect, payer, caller, action,
      invocation, endpoint, transport)
    select account, 'reserve', -amount, amount, hold, effect, payer, caller, action, invocation, endpoint, transport
    from go where is_metered and amount > 0 and (select count(*) from paid) > 0 order by nth)
  select coalesce(json_agg(nth), '[]')::text from go`

/**
 * Makes several reservations in one statement, each with its own account and budgets.
 *
 * @returns the positions of the orders that succeeded. The others have no reservation, and must be asked for one by one.
 * @throws {SqlError | ConnectionLost | AcquireTimeout} when none succeeded, or the outcome is unknown.
 */
export async function reserveBatch(
  database: Database,
  orders: readonly ReservationOrder[],
): Promise<ReadonlySet<number>> {
  const wanted = orders.map(({ account, request, state }, nth) => ({
    nth,
    ...request,
    effect: request.effectId,
    hold: uuidv7(),
    state,
    account: account.account,
    is_metered: account.isMetered,
    payer: account.payer,
    caller: account.caller,
    action: account.action,
    invocation: account.invocation,
    holder: account.holder,
    lease_ms: Math.ceil(account.leaseMs),
    budgets: budgetLimits(account),
  }))
  const { rows } = await database.write({ sql: RESERVE_BATCH, params: [JSON.stringify(wanted)] })
  const granted: readonly number[] = JSON.parse(String(rows[0]?.[0]))
  return new Set(granted)
}
