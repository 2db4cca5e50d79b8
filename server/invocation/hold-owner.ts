import type { Actor } from '../auth/actor.ts'
import { type Failure, fail } from '../core/result.ts'
import type { Budget } from '../ledger/budgets.ts'
import type { HoldOwner } from '../ledger/hold.ts'
import { holdOwner, type Purse } from '../ledger/hold-owner.ts'

/** A call that may spend money. */
export interface SpendingCall {
  readonly engine: Purse
  readonly id: string
  readonly actor: Actor
  readonly action: string
  readonly ip: string | undefined
  readonly actionBudget: Partial<Budget> | undefined
  readonly leaseMs: number
}

/** Whose money a call spends: decided by configuration and the verified caller, never by input. */
export function holdOwnerOf(
  call: SpendingCall,
  payer: 'owner' | 'caller',
): { readonly owner: HoldOwner } | { readonly failure: Failure } {
  const { engine, actor, action, id, ip, actionBudget, leaseMs } = call
  const caller = actor.kind === 'user' ? actor.userId : null
  const spender = { payer, caller, action, invocation: id, holder: id, leaseMs, address: ip, actionBudget }
  const owner = holdOwner(engine, spender)
  if (owner) return { owner }
  const failure =
    payer === 'owner'
      ? fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: the app's owner pays for this call.")
      : fail('UNAUTHORIZED', 'Sign in first: whoever calls this pays for it.')
  return { failure }
}
