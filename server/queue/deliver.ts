import { fail } from '../core/result.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { ClaimedMessage } from './claim.ts'
import { markSent } from './keep.ts'
import { failed, type MessageOutcome, outcomeOf } from './outcome.ts'
import { planMessage } from './plan-message.ts'
import { type MessagePurse, reserveAnew } from './reserve-anew.ts'

export interface DeliveryOptions extends MessagePurse {
  readonly integrations: Integrations
  /** The fencing token that the message was taken with. */
  readonly token: string
  /** The time that is left until another server may take the message. */
  readonly timeoutMs: number
  readonly leaseMs: number
}

/**
 * Sends one message.
 *
 * @returns undefined when another server has taken it over.
 * @throws {SqlError | ConnectionLost | AcquireTimeout} when it could not be noted that it leaves.
 */
export async function deliver(
  message: ClaimedMessage,
  options: DeliveryOptions,
): Promise<MessageOutcome | undefined> {
  const { database, integrations, token, timeoutMs, leaseMs } = options
  const plan = planMessage(integrations, message)
  if (!plan.success) return failed(message, plan)
  let mark = await markSent(database, message.id, token)
  if (mark === 'unpaid') {
    const refused = await reserveAnew(options, message, plan.data, { holder: token, leaseMs })
    if (refused) return failed(message, refused)
    mark = await markSent(database, message.id, token)
  }
  if (mark === 'lost') return undefined
  if (mark === 'unpaid')
    return failed(message, fail('SERVICE_UNAVAILABLE', 'What was set aside for it is gone.'))
  const answer = await integrations.send(plan.data, {
    callerJwt: undefined,
    idempotencyKey: message.id,
    timeoutMs,
  })
  return outcomeOf(message, answer)
}
