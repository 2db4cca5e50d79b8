import { type Failure, fail } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import type { BudgetUse } from './budgets.ts'
import type { ReservationAccount, ReservationRequest } from './reservation.ts'

/** Refuses a call that may cost more than the account has. Amounts are whole micro-credits. Does not reveal the owner. */
export function notEnough(
  { account, caller }: ReservationAccount,
  availableCredits: number,
  requiredCredits: number,
): Failure {
  const whose = caller === account ? `The account ${JSON.stringify(account)}` : "The app's owner"
  return fail(
    'PAYMENT_REQUIRED',
    `${whose} has ${availableCredits} micro-credits available, and this may cost ${requiredCredits}; credits must be granted first.`,
    { details: { availableCredits, requiredCredits } },
  )
}

/** Refuses a call when other calls changed the ledger at each attempt. */
export function tooBusy(): Failure {
  return fail('SERVICE_UNAVAILABLE', 'The ledger is busy; try again shortly.', {
    details: { retryAfterSeconds: 1 },
  })
}

const USED = `
  select coalesce(day.calls, 0), coalesce(day.credits, 0), to_char(today.day + 1, 'YYYY-MM-DD'),
    ceil(extract(epoch from (today.day + 1)::timestamp - (now() at time zone 'utc')))::int
  from (select (now() at time zone 'utc')::date as day) as today
  left join deputy.budget_days as day on day.budget = $1 and day.subject = $2 and day.day = today.day`

const BUDGET_NAMES: Readonly<Record<BudgetUse['budget'], string>> = {
  caller: 'of a caller',
  action: 'of this action',
  app: 'of the app',
  anonymous: 'of all callers without a token',
}

/** Names the budget that calls would exceed; undefined when there is none any more. */
export async function budgetUsedUp(
  database: Database,
  { budgets }: ReservationAccount,
  requests: readonly ReservationRequest[],
): Promise<Failure | undefined> {
  const more = { calls: requests.length, credits: requests.reduce((sum, { amount }) => sum + amount, 0) }
  for (const { budget, subject, limit } of budgets) {
    const { rows } = await database.query({ sql: USED, params: [budget, subject] })
    const [calls, credits, resetDay, retryAfterSeconds] = rows[0] ?? []
    const used = { calls: Number(calls), credits: Number(credits) }
    const unit = (['calls', 'credits'] as const).find(
      (name) => limit[name] !== undefined && used[name] + more[name] > limit[name],
    )
    if (!unit) continue
    const resetAt = `${String(resetDay)}T00:00:00Z`
    const max = unit === 'calls' ? `${limit.calls} calls` : `${limit.credits} micro-credits`
    return fail(
      'TOO_MANY_REQUESTS',
      `The budget ${BUDGET_NAMES[budget]} is used up: ${max} a day on the owner's account; it starts again at ${resetAt}.`,
      { details: { budget, limit: unit, resetAt, retryAfterSeconds: Number(retryAfterSeconds) } },
    )
  }
  return undefined
}
