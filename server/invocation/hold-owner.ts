import { type Failure, fail } from '../core/result.ts'
import type { HoldOwner } from '../ledger/hold.ts'
import { holdOwner } from '../ledger/hold-owner.ts'
import type { Invocation } from './invocation.ts'

/** Whose money a call spends: decided by configuration and the verified caller, never by input. */
export function holdOwnerOf(
  invocation: Invocation,
  payer: 'owner' | 'caller',
): { readonly owner: HoldOwner } | { readonly failure: Failure } {
  const { engine, actor, action, id, ip, actionBudget, leaseMs } = invocation
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
