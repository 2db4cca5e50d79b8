import { uuidv7 } from 'uuidv7'
import { LOCK_PATIENCE } from '../db/batches.ts'
import type { Database } from '../db/database.ts'
import type { ReservationOrder } from './reservation.ts'
import { budgetLimits } from './reserve.ts'

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
