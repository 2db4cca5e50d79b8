import { type Failure, fail } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import type { OutboundCall } from '../integrations/integrations.ts'
import { holdOwner, type Purse } from '../ledger/hold-owner.ts'
import { reserve } from '../ledger/reserve.ts'
import type { QueuedMessage } from './message.ts'

/** What has to be known to set money aside for a message. */
export interface MessagePurse extends Purse {
  readonly database: Database
}

export interface Reserving {
  /** Who sets it aside, and may be at work on it this long before it counts as dead. */
  readonly holder: string
  readonly leaseMs: number
}

/**
 * Sets aside anew what a message may cost, where that is gone: it was given up before, or its action committed later
 * than any may.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function reserveAnew(
  purse: MessagePurse,
  { id, payer, caller, action, invocation }: QueuedMessage,
  call: OutboundCall,
  reserving: Reserving,
): Promise<Failure | undefined> {
  const owner = holdOwner(purse, { ...reserving, payer, caller, action, invocation })
  if (!owner) return fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: the app's owner pays for this message.")
  return reserve(purse.database, owner, [
    { effect: id, amount: call.reserve, endpoint: call.name, transport: call.transport },
  ])
}
