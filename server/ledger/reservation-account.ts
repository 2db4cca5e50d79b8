import { addressKey } from '../auth/client-address.ts'
import { type Budget, type Budgets, budgetsOf } from './budgets.ts'
import type { ReservationAccount } from './reservation.ts'

/** The settings that decide whose money a call spends. */
export interface ReservationSettings {
  readonly ownerUserId: string | undefined
  /** Whether the owner's account has no limit. */
  readonly isOwnerUnmetered: boolean
  readonly budgets: Budgets
}

export interface PaidCall
  extends Pick<ReservationAccount, 'payer' | 'caller' | 'action' | 'invocation' | 'holder' | 'leaseMs'> {
  /** Where a caller without a token came from. */
  readonly address?: string | undefined
  /** The action's own limit, in place of the default. */
  readonly actionBudget?: Partial<Budget> | undefined
}

/** Finds the account that pays for a call, and the budgets that it counts against; undefined where no one can pay. */
export function reservationAccount(
  settings: ReservationSettings,
  { address, actionBudget, ...call }: PaidCall,
): ReservationAccount | undefined {
  const { ownerUserId, isOwnerUnmetered, budgets } = settings
  const { payer, caller, action } = call
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
    ...call,
    account,
    isMetered: !(isOwnerUnmetered && account === ownerUserId),
    // A caller who pays is limited by their own credits.
    budgets: payer === 'owner' ? used : [],
  }
}
