import type { BudgetUse } from './budgets.ts'

/** What is set aside for one outside effect before it is caused. */
export interface HoldRequest {
  /** Names the effect, the same in every attempt at it. */
  readonly effect: string
  /** The most that it can cost, in whole micro-credits. */
  readonly amount: number
  /** `integration/endpoint` */
  readonly endpoint: string
  readonly transport: 'direct' | 'proxy'
}

/** Whose money a hold is, and who set it aside. */
export interface HoldOwner {
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
  /** How long the holder may be at work before it counts as dead. */
  readonly leaseMs: number
  readonly budgets: readonly BudgetUse[]
}

/** Whether an effect is still to be caused, or is about to be: then nobody but its holder knows what came of it. */
export type HoldState = 'reserved' | 'sent'

/** Money to be set aside for one effect. */
export interface HoldOrder {
  readonly owner: HoldOwner
  readonly request: HoldRequest
  readonly state: HoldState
}
