import { addressKey } from '../auth/client-address.ts'
import { type Budget, type Budgets, budgetsOf } from './budgets.ts'
import type { HoldOwner } from './hold.ts'

/** What has to be known to tell whose money a call spends. */
export interface Purse {
  readonly ownerUserId: string | undefined
  /** Whether the owner's account has no limit. */
  readonly isOwnerUnmetered: boolean
  readonly budgets: Budgets
}

export interface Spender
  extends Pick<HoldOwner, 'payer' | 'caller' | 'action' | 'invocation' | 'holder' | 'leaseMs'> {
  /** Where a caller without a token came from. */
  readonly address?: string | undefined
  /** The action's own limit, in place of the default. */
  readonly actionBudget?: Partial<Budget> | undefined
}

/** Whose money is spent, and which budgets it counts against; undefined where there is nobody to pay. */
export function holdOwner(
  purse: Purse,
  { address, actionBudget, ...spender }: Spender,
): HoldOwner | undefined {
  const { ownerUserId, isOwnerUnmetered, budgets } = purse
  const { payer, caller, action } = spender
  const account = payer === 'owner' ? ownerUserId : caller
  if (account === undefined || account === null) return undefined
  const from = address === undefined ? 'unknown' : addressKey(address)
  const used = budgetsOf({
    budgets,
    caller: caller === null ? `address:${from}` : `user:${caller}`,
    isAnonymous: caller === null,
    isOwner: caller === ownerUserId,
    action,
    actionBudget,
  })
  return {
    ...spender,
    account,
    isMetered: !(isOwnerUnmetered && account === ownerUserId),
    // What callers pay themselves is limited by what they have.
    budgets: payer === 'owner' ? used : [],
  }
}
