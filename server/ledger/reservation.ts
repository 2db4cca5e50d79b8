import type { BudgetUse } from './budgets.ts'

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
