import { z } from 'zod'
import { type ActionResult, ok } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import { decodeCursor, encodeCursor, foreignCursor, positionText } from '../wire/cursor.ts'
import { pageFields } from '../wire/page-input.ts'
import type { Budgets } from './budgets.ts'
import { NO_LIMIT } from './reserve.ts'

/** How much of one budget a day has used. */
export interface UsedBudget {
  readonly budget: keyof Budgets
  /** Whose it is: `user:ada`, `address:203.0.113.7`, the name of an action; empty for those of the app as a whole. */
  readonly subject: string
  readonly calls: number
  /** In whole micro-credits, what is reserved counted. */
  readonly credits: number
  /** Null where there is no limit; what it was when the budget was last used. */
  readonly maxCalls: number | null
  readonly maxCredits: number | null
}

export interface BudgetPage {
  /** The UTC day, as `2026-11-29`. */
  readonly day: string
  /** By budget, and then by subject; a budget of which nothing was used is left out. */
  readonly budgets: readonly UsedBudget[]
  /** Of the next page; null on the last one. */
  readonly nextCursor: string | null
}

const MAX_LIMIT = 200
const DEFAULT_LIMIT = 50
const KINDS = ['action', 'anonymous', 'app', 'caller'] as const
KINDS satisfies readonly (keyof Budgets)[]

export const budgetUseSchema = z.strictObject({
  /** A UTC day of the last 40. @default today */
  day: z.iso.date('must be a day, such as 2026-11-29').optional(),
  budget: z.enum(KINDS, `must be one of ${KINDS.join(', ')}`).optional(),
  ...pageFields(MAX_LIMIT),
})

const lastUse = z.tuple([positionText, positionText])
const TODAY = `select (now() at time zone 'utc')::date::text`
const USES = `
  select budget, subject, calls, credits, max_calls, max_credits from deputy.budget_days
  where day = $1::date and ($2::text is null or budget = $2::text) and (budget, subject) > ($3, $4)
  order by budget, subject limit $5::int`

/** Lists how much of the owner's budgets a day has used, a page at a time. Does not check whether the caller may see them. */
export async function listBudgetUses(
  database: Database,
  { limit = DEFAULT_LIMIT, cursor, budget, ...given }: z.output<typeof budgetUseSchema>,
): Promise<ActionResult<BudgetPage>> {
  const day = given.day ?? String((await database.query({ sql: TODAY, params: [] })).rows[0]?.[0])
  const cursorScope = { list: 'budgets', filters: { day, budget } }
  const after = typeof cursor === 'string' ? decodeCursor(cursorScope, lastUse, cursor) : ['', '']
  if (!after) return foreignCursor('list', 'for the same day and budget')
  const { rows } = await database.query({ sql: USES, params: [day, budget ?? null, ...after, limit + 1] })
  const budgets = rows.slice(0, limit).map(readUse)
  const last = budgets.at(-1)
  const nextCursor =
    last && rows.length > limit ? encodeCursor(cursorScope, [last.budget, last.subject]) : null
  return ok({ day, budgets, nextCursor })
}

function readUse([budget, subject, ...counts]: readonly unknown[]): UsedBudget {
  const [calls = 0, credits = 0, maxCalls = 0, maxCredits = 0] = counts.map(Number)
  return {
    budget: String(budget) as UsedBudget['budget'], // The engine has written it.
    subject: String(subject),
    calls,
    credits,
    maxCalls: maxCalls === NO_LIMIT ? null : maxCalls,
    maxCredits: maxCredits === NO_LIMIT ? null : maxCredits,
  }
}
