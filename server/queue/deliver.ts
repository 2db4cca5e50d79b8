import { fail } from '../core/result.ts'
import type { Integrations } from '../integrations/integrations.ts'
import { outcomeOfAnswer, outcomeOfFailure, type WorkOutcome } from './outcome.ts'
import { planMessage } from './plan-message.ts'
import { type ReservationContext, renewReservation } from './renew-reservation.ts'
import { markSent } from './save-outcome.ts'
import type { ClaimedMessage } from './work.ts'

export interface DeliveryOptions extends ReservationContext {
  readonly integrations: Integrations
  /** The fencing token of the claim. */
  readonly token: string
  /** Milliseconds that the call may take. */
  readonly timeoutMs: number
  readonly leaseMs: number
}

/**
 * Sends one message.
 *
 * @returns undefined when another server has taken it over.
 * @throws {SqlError | ConnectionLost | AcquireTimeout} when it could not be marked as sent.
 */
export async function deliver(
  message: ClaimedMessage,
  options: DeliveryOptions,
): Promise<WorkOutcome | undefined> {
  const { database, integrations, token, timeoutMs, leaseMs } = options
  const plan = planMessage(integrations, message)
  if (!plan.success) return outcomeOfFailure(message, plan)
  let mark = await markSent(database, message.id, token)
  if (mark === 'unpaid') {
    const refused = await renewReservation(options, message, plan.data, { holder: token, leaseMs })
    if (refused) return outcomeOfFailure(message, refused)
    mark = await markSent(database, message.id, token)
  }
  if (mark === 'lost') return undefined
  if (mark === 'unpaid')
    return outcomeOfFailure(message, fail('SERVICE_UNAVAILABLE', 'Its reservation is gone.'))
  const answer = await integrations.send(plan.data, {
    callerJwt: undefined,
    idempotencyKey: message.id,
    timeoutMs,
  })
  return outcomeOfAnswer(message, answer)
}
