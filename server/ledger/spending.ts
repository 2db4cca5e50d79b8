import { z } from 'zod'
import { type ActionResult, fail, ok } from '../core/result.ts'
import type { Database } from '../db/database.ts'

/** What calls to providers cost. */
export interface Spent {
  /** In whole micro-credits. */
  readonly cost: number
  /** How many were charged or noted; those that surely did nothing are not. */
  readonly calls: number
}

export interface SpentDay extends Spent {
  /** The UTC day, as `2026-11-29`. */
  readonly day: string
}

/** What was spent on one action, at one integration, or by one user. */
export interface Spending extends Spent {
  /** Null for callers without a token, and for all that `isOthers`. */
  readonly name: string | null
  /** Whether it is all others together. */
  readonly isOthers: boolean
  /** Those on which something was spent, in order. */
  readonly days: readonly SpentDay[]
}

export interface SpendingReport {
  readonly from: Date
  readonly to: Date
  /** Those with the highest cost first, at most 20, and then all others together, where there are more. */
  readonly spending: readonly Spending[]
}

/** The most groups that are told apart. */
const MAX_SPENDING_GROUPS = 20
const MAX_SPENDING_DAYS = 92
const DAY_MS = 86_400_000
const DEFAULT_MS = 30 * DAY_MS

const INSTANT = 'must be a date and time with a zone, such as 2026-01-31T09:30:00Z'

export const spendingSchema = z.strictObject({
  by: z.enum(['action', 'integration', 'user'], 'must be action, integration or user'),
  /** @default 30 days before `to` */
  from: z.date(INSTANT).optional(),
  /** @default now */
  to: z.date(INSTANT).optional(),
})

type SpendingQuery = z.output<typeof spendingSchema>

const NAMES: Readonly<Record<SpendingQuery['by'], string>> = {
  action: 'action',
  integration: `split_part(endpoint, '/', 1)`,
  user: 'caller',
}

const statementBy = (by: SpendingQuery['by']) => `
  with spent as materialized (
    select ${NAMES[by]} as name, (at at time zone 'utc')::date as day, sum(cost) as cost, count(*) as calls
    from deputy.credit_entries where kind = 'settle' and at >= $1::timestamptz and at < $2::timestamptz group by 1, 2),
  largest as materialized (
    select name, sum(cost) as total from spent group by name order by total desc, name limit ${MAX_SPENDING_GROUPS}),
  told as (
    select spent.day, spent.cost, spent.calls, largest.total, largest.name, largest.total is null as is_others
    from spent left join largest on largest.name is not distinct from spent.name)
  select is_others, name, day::text, sum(cost), sum(calls) from told
  group by is_others, total, name, day order by is_others, total desc, name, day`

/** Sums up what was spent, by whom or on what, for each UTC day. Does not check whether the caller may see it. */
export async function sumSpending(
  database: Database,
  now: Date,
  { by, to = now, from = new Date(to.getTime() - DEFAULT_MS) }: SpendingQuery,
): Promise<ActionResult<SpendingReport>> {
  const ms = to.getTime() - from.getTime()
  if (ms <= 0) return wrongStart('must be before to')
  if (ms > MAX_SPENDING_DAYS * DAY_MS)
    return wrongStart(`must be at most ${MAX_SPENDING_DAYS} days before to`)
  const params = [from.toISOString(), to.toISOString()]
  const { rows } = await database.query({ sql: statementBy(by), params })
  return ok({ from, to, spending: groupsOf(rows) })
}

function wrongStart(message: string) {
  return fail('BAD_REQUEST', `from: ${message}`, {
    issues: [{ path: ['from'], message, code: 'invalid_argument' }],
  })
}

/** Puts the days of each group together; its rows follow each other. */
function groupsOf(rows: readonly (readonly unknown[])[]): Spending[] {
  const groups: (Omit<Spending, 'days'> & { readonly days: SpentDay[] })[] = []
  for (const row of rows) {
    const [isOthers, name] = [row[0] === true || row[0] === 't', row[1] === null ? null : String(row[1])]
    const day: SpentDay = { day: String(row[2]), cost: Number(row[3]), calls: Number(row[4]) }
    const last = groups.at(-1)
    if (last?.isOthers === isOthers && last.name === name) {
      last.days.push(day)
      groups[groups.length - 1] = { ...last, cost: last.cost + day.cost, calls: last.calls + day.calls }
    } else groups.push({ name, isOthers, cost: day.cost, calls: day.calls, days: [day] })
  }
  return groups
}
