import type { Database } from '../db/database.ts'
import type { Integrations, OutboundCall } from '../integrations/integrations.ts'
import { type Budgets, budgetsOf } from '../ledger/budgets.ts'
import { reserve } from '../ledger/reserve.ts'
import { type Failure, fail } from '../result.ts'
import type { ClaimedMessage } from './claim.ts'
import { markSent } from './keep.ts'
import { failed, type MessageOutcome, outcomeOf } from './outcome.ts'

export interface DeliveryOptions {
  readonly database: Database
  readonly integrations: Integrations
  readonly ownerUserId: string | undefined
  readonly isOwnerUnmetered: boolean
  readonly budgets: Budgets
  /** The fencing token that the message was taken with. */
  readonly token: string
  /** The time that is left until another server may take the message. */
  readonly timeoutMs: number
  readonly leaseMs: number
}

/** Sends one message. @throws {SqlError | ConnectionLost | AcquireTimeout} when it could not be noted that it leaves. */
export async function deliver(message: ClaimedMessage, options: DeliveryOptions): Promise<MessageOutcome> {
  const { database, integrations, token, timeoutMs } = options
  // As it is configured now: where it goes and what it costs is never stored.
  const plan = integrations.plan(message.endpoint, message.data)
  if (!plan.success) return failed(message, plan)
  const call = plan.data
  if (call.needsCallerJwt || call.payer !== message.payer) {
    return failed(
      message,
      fail('BAD_REQUEST', `"${message.endpoint}" is paid in another way now than when it was queued.`),
    )
  }
  if (!(await markSent(database, message.id, token))) {
    const refused = await reserveAnew(message, call, options)
    if (refused) return failed(message, refused)
    if (!(await markSent(database, message.id, token))) return failed(message, lost())
  }
  const answer = await integrations.send(call, {
    callerJwt: undefined,
    idempotencyKey: message.id,
    timeoutMs,
  })
  return outcomeOf(message, answer)
}

/** What was set aside is gone: its action committed later than any may, or the message was given up before. */
export async function reserveAnew(
  message: ClaimedMessage,
  call: OutboundCall,
  {
    database,
    ownerUserId,
    isOwnerUnmetered,
    budgets,
    token,
    leaseMs,
  }: Omit<DeliveryOptions, 'integrations' | 'timeoutMs'>,
): Promise<Failure | undefined> {
  const { payer, caller, action, invocation, id } = message
  const account = payer === 'owner' ? ownerUserId : caller
  if (account === undefined || account === null)
    return fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: the app's owner pays for this message.")
  const owner = {
    account,
    isMetered: !(isOwnerUnmetered && account === ownerUserId),
    payer,
    caller,
    action,
    invocation,
    holder: token,
    leaseMs,
    budgets:
      payer === 'owner'
        ? budgetsOf({
            budgets,
            caller: caller === null ? 'address:unknown' : `user:${caller}`,
            isAnonymous: caller === null,
            isOwner: caller === ownerUserId,
            action,
          })
        : [],
  }
  return reserve(database, owner, [
    { effect: id, amount: call.reserve, endpoint: call.name, transport: call.transport },
  ])
}

function lost(): Failure {
  return fail('SERVICE_UNAVAILABLE', 'The message was taken by another server.')
}
