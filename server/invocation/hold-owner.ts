import { type Failure, fail } from '../core/result.ts'
import type { HoldOwner } from '../ledger/hold.ts'
import { holdOwner, type Purse } from '../ledger/hold-owner.ts'
import type { Invocation } from './invocation.ts'

/** Whose money a call spends: decided by configuration and the verified caller, never by input. */
export function holdOwnerOf(
  purse: Purse,
  { userId, action, id, ip, actionBudget, leaseMs }: Invocation,
  payer: 'owner' | 'caller',
): { readonly owner: HoldOwner } | { readonly failure: Failure } {
  const spender = {
    payer,
    caller: userId,
    action,
    invocation: id,
    holder: id,
    leaseMs,
    address: ip,
    actionBudget,
  }
  const owner = holdOwner(purse, spender)
  if (owner) return { owner }
  const failure =
    payer === 'owner'
      ? fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: the app's owner pays for this call.")
      : fail('UNAUTHORIZED', 'Sign in first: whoever calls this pays for it.')
  return { failure }
}
