import { z } from 'zod'
import { type Budgets, DEFAULT_BUDGETS } from '../ledger/budgets.ts'
import { MAX_MICRO_CREDITS } from '../wire/amount.ts'

const NUMBER_RULE = `must be a whole number from 0 to ${MAX_MICRO_CREDITS}, in digits alone`
const { caller, action, app, anonymous } = DEFAULT_BUDGETS

const wholeNumber = z
  .string()
  .regex(/^\d{1,16}$/, NUMBER_RULE)
  .transform(Number)
  .refine((value) => value <= MAX_MICRO_CREDITS, NUMBER_RULE)

/** `none` stays a word for now: zod would take undefined for a variable that is not set. */
const limit = z.union([z.literal('none'), wholeNumber], { error: `${NUMBER_RULE}, or none for no limit` })

/** What the server's environment says of money. */
export const moneyShape = {
  OWNER_CREDITS: z
    .union([z.literal('unmetered'), wholeNumber], {
      error: `${NUMBER_RULE} (1000000 is 1 credit), or unmetered`,
    })
    .optional(),
  BUDGET_CALLER_CALLS: limit.default(textOf(caller.calls)),
  BUDGET_CALLER_CREDITS: limit.default(textOf(caller.credits)),
  BUDGET_ACTION_CALLS: limit.default(textOf(action.calls)),
  BUDGET_ACTION_CREDITS: limit.default(textOf(action.credits)),
  BUDGET_APP_CALLS: limit.default(textOf(app.calls)),
  BUDGET_APP_CREDITS: limit.default(textOf(app.credits)),
  BUDGET_ANONYMOUS_CALLS: limit.default(textOf(anonymous.calls)),
  BUDGET_ANONYMOUS_CREDITS: limit.default(textOf(anonymous.credits)),
}

type MoneyEnv = z.output<z.ZodObject<typeof moneyShape>>
type Limit = z.output<typeof limit>

export function readBudgets(env: MoneyEnv): Budgets {
  const budget = (calls: Limit, credits: Limit) => ({ calls: limitOf(calls), credits: limitOf(credits) })
  return {
    caller: budget(env.BUDGET_CALLER_CALLS, env.BUDGET_CALLER_CREDITS),
    action: budget(env.BUDGET_ACTION_CALLS, env.BUDGET_ACTION_CREDITS),
    app: budget(env.BUDGET_APP_CALLS, env.BUDGET_APP_CREDITS),
    anonymous: budget(env.BUDGET_ANONYMOUS_CALLS, env.BUDGET_ANONYMOUS_CREDITS),
  }
}

function limitOf(value: Limit): number | undefined {
  return value === 'none' ? undefined : value
}

function textOf(value: number | undefined): Limit {
  return value ?? 'none'
}
