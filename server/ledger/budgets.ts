/** The most that may be spent of the owner's money in a UTC day; undefined for no limit. Credits are whole micro-credits. */
export interface Budget {
  readonly calls: number | undefined
  readonly credits: number | undefined
}

export interface Budgets {
  /** Of one user, or of one address of callers without a token. */
  readonly caller: Budget
  /** Of one action. */
  readonly action: Budget
  readonly app: Budget
  /** Of all callers without a token together. */
  readonly anonymous: Budget
}

export const DEFAULT_BUDGETS: Budgets = {
  caller: { calls: 500, credits: 100_000_000 },
  action: { calls: 20_000, credits: 20_000_000_000 },
  app: { calls: 100_000, credits: 100_000_000_000 },
  anonymous: { calls: 5_000, credits: 5_000_000_000 },
}

/**
 * The most that all calls of one action may spend of the owner's money in a UTC day, in whole micro-credits; null for no
 * limit, and for an action that is not there.
 *
 * @param actionBudget the action's own limit, in place of the default
 */
export function maxCostPerDay(budgets: Budgets, actionBudget: Partial<Budget> | undefined): number | null {
  if (!actionBudget) return null
  const limits = [{ ...budgets.action, ...actionBudget }, budgets.app]
  if (limits.some(({ calls }) => calls === 0)) return 0
  const credits = limits.flatMap(({ credits: most }) => (most === undefined ? [] : [most]))
  return credits.length === 0 ? null : Math.min(...credits)
}

/** A budget that a call counts against. */
export interface BudgetUse {
  readonly budget: keyof Budgets
  /** Whose it is; empty for the app as a whole. */
  readonly subject: string
  readonly limit: Budget
}

export interface BudgetedCall {
  readonly budgets: Budgets
  /** `user:ada`, `address:203.0.113.7`. */
  readonly caller: string
  readonly isAnonymous: boolean
  /** Whether it is the owner who calls. */
  readonly isOwner: boolean
  readonly action: string
  /** The action's own limit, in place of the default. */
  readonly actionBudget?: Partial<Budget> | undefined
}

/** Lists the budgets that a call on the owner's money counts against. */
export function budgetsOf(call: BudgetedCall): readonly BudgetUse[] {
  const { budgets } = call
  const uses: BudgetUse[] = [
    { budget: 'action', subject: call.action, limit: { ...budgets.action, ...call.actionBudget } },
    { budget: 'app', subject: '', limit: budgets.app },
  ]
  // The owner's money needs no protection from the owner.
  if (!call.isOwner) uses.push({ budget: 'caller', subject: call.caller, limit: budgets.caller })
  if (call.isAnonymous) uses.push({ budget: 'anonymous', subject: '', limit: budgets.anonymous })
  return uses
}
