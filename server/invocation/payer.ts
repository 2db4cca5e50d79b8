import { type Failure, fail } from '../core/result.ts'
import {
  type ReservationAccount,
  type ReservationSettings,
  reservationAccount,
} from '../ledger/reservation.ts'
import type { Invocation } from './invocation.ts'

/** Finds the account that pays for a call, from configuration and the verified caller, never from input. */
export function reservationAccountOf(
  settings: ReservationSettings,
  { callingUserId, action, id, ip, actionBudget, leaseMs, source }: Invocation,
  payer: 'owner' | 'caller',
): { readonly account: ReservationAccount } | { readonly failure: Failure } {
  const call = {
    payer,
    // Whoever acts as a user pays for it.
    caller: callingUserId,
    isApp: callingUserId === null && source !== 'client',
    action,
    invocation: id,
    holder: id,
    leaseMs,
    address: ip,
    actionBudget,
  }
  const account = reservationAccount(settings, call)
  if (account) return { account }
  const failure =
    payer === 'owner'
      ? fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: the app's owner pays for this call.")
      : call.isApp
        ? fail('PRECONDITION_FAILED', 'Whoever this runs as pays for it, and it runs as no one.')
        : fail('UNAUTHORIZED', 'Sign in first: whoever calls this pays for it.')
  return { failure }
}
