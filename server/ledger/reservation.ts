import { addressKey } from '../auth/client-address.ts'
import { type Budget, type Budgets, type BudgetUse, budgetsOf } from './budgets.ts'

/** Asks to reserve what one side effect may cost. */
export interface ReservationRequest {
  /** The side effect's id, the same in every attempt at it. */
  readonly effectId: string
  /** The most that it can cost, in whole micro-credits. */
  readonly amount: number
  /** `integration/endpoint` */
  readonly endpoint: string
  readonly transport: 'direct' | 'proxy'
}

/** The account that a reservation is made from, and its holder. */
export interface ReservationAccount {
  /** A user's id. */
  readonly account: string
  /** Whether the account is charged; one without limit is not. */
  readonly isMetered: boolean
  readonly payer: 'owner' | 'caller'
  /** The user who called; null for one without a token. */
  readonly caller: string | null
  readonly action: string
  readonly invocation: string
  /** The fencing token. */
  readonly holder: string
  /** Milliseconds that the holder may work before it counts as dead. */
  readonly leaseMs: number
  readonly budgets: readonly BudgetUse[]
}

/** `sent`: the side effect may have happened, and only its holder knows the outcome. */
export type ReservationState = 'reserved' | 'sent'

/** A reservation to be made. */
export interface ReservationOrder {
  readonly account: ReservationAccount
  readonly request: ReservationRequest
  readonly state: ReservationState
}

/** The settings that decide whose money a call spends. */
export interface ReservationSettings {
  readonly ownerUserId: string | undefined
  /** Whether the owner's account has no limit. */
  readonly isOwnerUnmetered: boolean
  readonly budgets: Budgets
}

export interface PaidCall
  extends Pick<ReservationAccount, 'payer' | 'caller' | 'action' | 'invocation' | 'holder' | 'leaseMs'> {
  /** Whether the app itself acts, without a user. @default false */
  readonly isApp?: boolean
  /** Where a caller without a token came from. */
  readonly address?: string | undefined
  /** The action's own limit, in place of the default. */
  readonly actionBudget?: Partial<Budget> | undefined
}

/** Finds the account that pays for a call, and the budgets that it counts against; undefined where no one can pay. */
export function reservationAccount(
  settings: ReservationSettings,
  { address, actionBudget, isApp = false, ...call }: PaidCall,
): ReservationAccount | undefined {
  const { ownerUserId, isOwnerUnmetered, budgets } = settings
  const { payer, caller, action } = call
  const account = payer === 'owner' ? ownerUserId : caller
  if (account === undefined || account === null) return undefined
  const from = address === undefined ? 'unknown' : addressKey(address)
  const used = budgetsOf({
    budgets,
    caller: caller === null ? `address:${from}` : `user:${caller}`,
    isAnonymous: caller === null && !isApp,
    // What the app does by itself is the owner's doing.
    isOwner: isApp || caller === ownerUserId,
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
