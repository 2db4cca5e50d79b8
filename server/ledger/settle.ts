import { LOCK_PATIENCE } from '../db/batches.ts'
import type { Database } from '../db/database.ts'
import type { Parameters } from '../db/statement.ts'
import type { SideEffectOutcome } from '../integrations/integrations.ts'

/** How a reservation ends. */
export interface Settlement {
  readonly outcome: SideEffectOutcome
  /** The cost in whole micro-credits; what is above the reservation is not charged. */
  readonly cost: number
  /** The duration of the call; undefined where it is not known. */
  readonly durationMs: number | undefined
  /** The HTTP status of the newest answer. @default none came */
  readonly status?: number | undefined
}

/**
 * Writes the parts of a statement that settle a reservation, or refund it when its side effect surely did not happen.
 * Deleting the reservation does it, so it is done once.
 *
 * @param isOurs a condition on the reservation that excludes a holder who lost it to another.
 */
export function settleReservation(parameters: Parameters, isOurs: string, closing: Settlement): string {
  const outcome = parameters.bind(closing.outcome)
  const cost = `case when ${outcome} = 'nothing' then 0 else least(${parameters.bind(closing.cost, 'bigint')}, hold.amount) end`
  const durationMs = parameters.bind(
    closing.durationMs === undefined ? null : Math.round(closing.durationMs),
    'int',
  )
  const status = parameters.bind(closing.status ?? null, 'int')
  return `
    closed as (delete from deputy.credit_holds where ${isOurs} returning *),
    hold as materialized (
      select closed.*, ${cost.replaceAll('hold.', 'closed.')} as cost, ${outcome} as outcome, ${durationMs} as duration_ms,
        ${status} as status
      from closed),
    ${bookReservations()}`
}

/**
 * Writes the parts of a statement that move the money of the rows in `hold`, each with its `cost`, `outcome`,
 * `duration_ms` and `status`. Rows are locked in the same order as for a reservation: accounts, then budgets.
 */
export function bookReservations(): string {
  return `
    change as (
      select account, sum(amount) as amount, sum(cost) as cost from hold where is_metered and amount > 0
      group by account),
    locked as materialized (
      select it.account from deputy.credit_accounts as it join change using (account) order by it.account for update of it),
    account as (
      update deputy.credit_accounts as it set reserved = it.reserved - change.amount,
        available = it.available + change.amount - change.cost
      from change where it.account = change.account and (select count(*) from locked) > 0
      returning 1),
    returned as materialized (
      select use.budget, use.subject, hold.day, sum(hold.amount - hold.cost) as credits,
        count(*) filter (where hold.outcome = 'nothing') as calls
      from hold, jsonb_to_recordset(hold.budgets) as use(budget text, subject text)
      group by use.budget, use.subject, hold.day),
    counters as materialized (
      select it.budget from deputy.budget_days as it join returned using (budget, subject, day)
      where (select count(*) from account) >= 0
      order by it.budget, it.subject, it.day for update of it),
    budget as (
      update deputy.budget_days as it set credits = it.credits - returned.credits, calls = it.calls - returned.calls
      from returned where it.budget = returned.budget and it.subject = returned.subject and it.day = returned.day
        and (returned.credits > 0 or returned.calls > 0) and (select count(*) from counters) > 0),
    entry as (
      insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, cost, hold, effect, payer, caller,
        action, invocation, endpoint, transport, outcome, duration_ms, status)
      select account, case when outcome = 'nothing' then 'refund' else 'settle' end,
        case when is_metered then amount - cost else 0 end, case when is_metered then -amount else 0 end, cost,
        hold, effect, payer, caller, action, invocation, endpoint, transport, outcome, duration_ms, status
      -- Numbered while the account's row is locked, so that numbers grow in the order of its changes.
      from hold where (select count(*) from account) >= 0 order by effect)`
}

/** A reservation to be settled. */
export interface SettlementOrder extends Settlement {
  readonly effectId: string
  /** Excludes a holder who lost the reservation to another. */
  readonly holder: string
}

const SETTLE_BATCH = `
  with patience as materialized (${LOCK_PATIENCE}),
  wanted as materialized (
    select * from jsonb_to_recordset($1::text::jsonb)
      as it(effect text, holder text, outcome text, most bigint, duration_ms int, status int)),
  closed as (
    delete from deputy.credit_holds as it using wanted
    where it.effect = wanted.effect and it.holder = wanted.holder and (select count(*) from patience) > 0
    returning it.*, wanted.outcome, wanted.most, wanted.duration_ms, wanted.status),
  hold as materialized (
    select *, case when outcome = 'nothing' then 0 else least(most, amount) end as cost from closed),
  ${bookReservations()}
  select 1`

/**
 * Settles or refunds several reservations in one statement. One that another holder has taken over is left as it is.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout} when none is settled, or the outcome is unknown; it may be repeated.
 */
export async function settleBatch(database: Database, orders: readonly SettlementOrder[]): Promise<void> {
  const wanted = orders.map(({ effectId, holder, outcome, cost, durationMs, status }) => ({
    effect: effectId,
    holder,
    outcome,
    most: cost,
    duration_ms: durationMs === undefined ? null : Math.round(durationMs),
    status: status ?? null,
  }))
  await database.write({ sql: SETTLE_BATCH, params: [JSON.stringify(wanted)] })
}

const REFUND = `
  with closed as (
    delete from deputy.credit_holds as hold where effect in (select jsonb_array_elements_text($1::text::jsonb)) and holder = $2 and state = 'reserved'
      and not exists (select 1 from deputy.queue as work where work.id = hold.effect)
    returning *),
  hold as materialized (select closed.*, 0::bigint as cost, 'nothing' as outcome, null::int as duration_ms, null::int as status from closed),
  ${bookReservations()}
  select count(*)::int from hold`

/** Refunds a holder's reservations for side effects that will not happen. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function refund(
  database: Database,
  holder: string,
  effectIds: readonly string[],
): Promise<void> {
  await database.write({ sql: REFUND, params: [JSON.stringify(effectIds), holder] })
}
