import { addressKey } from '../auth/client-address.ts'
import { budgetsOf } from '../ledger/budgets.ts'
import type { HoldOwner } from '../ledger/hold.ts'
import { type Failure, fail } from '../result.ts'
import type { Invocation } from './invocation.ts'

/** Whose money a call spends: decided by configuration and the verified caller, never by input. */
export function holdOwnerOf(
  invocation: Invocation,
  payer: 'owner' | 'caller',
): { readonly owner: HoldOwner } | { readonly failure: Failure } {
  const { engine, actor, action, id } = invocation
  const { ownerUserId, budgets, isOwnerUnmetered } = engine
  const caller = actor.kind === 'user' ? actor.userId : null
  const account = payer === 'owner' ? ownerUserId : caller
  if (account === undefined)
    return { failure: fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: the app's owner pays for this call.") }
  if (account === null)
    return { failure: fail('UNAUTHORIZED', 'Sign in first: whoever calls this pays for it.') }
  const used = budgetsOf({
    budgets,
    caller:
      caller === null
        ? `address:${invocation.ip === undefined ? 'unknown' : addressKey(invocation.ip)}`
        : `user:${caller}`,
    isAnonymous: caller === null,
    isOwner: caller === ownerUserId,
    action,
    actionBudget: invocation.actionBudget,
  })
  return {
    owner: {
      account,
      isMetered: !(isOwnerUnmetered && account === ownerUserId),
      payer,
      caller,
      action,
      invocation: id,
      holder: id,
      leaseMs: invocation.leaseMs,
      budgets: payer === 'owner' ? used : [],
    },
  }
}
