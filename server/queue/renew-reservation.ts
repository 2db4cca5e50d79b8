import { type Failure, fail } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import type { OutboundCall } from '../integrations/integrations.ts'
import { holdOwner, type Purse } from '../ledger/hold-owner.ts'
import { reserve } from '../ledger/reserve.ts'
import type { QueuedMessage } from './message.ts'

/** What a reservation for a message is made from. */
export interface ReservationContext extends Purse {
  readonly database: Database
}

export interface ReservationHolder {
  /** The fencing token. */
  /** Milliseconds that the holder may work before it counts as dead. */
  readonly holder: string
  readonly leaseMs: number
}

/**
 * Reserves again what a message may cost, where its reservation is gone: the message was dead, or its action committed
 * after the lease.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function renewReservation(
  purse: ReservationContext,
  { id, payer, caller, action, invocation }: QueuedMessage,
  call: OutboundCall,
  reserving: ReservationHolder,
): Promise<Failure | undefined> {
  const owner = holdOwner(purse, { ...reserving, payer, caller, action, invocation })
  if (!owner) return fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: the app's owner pays for this message.")
  return reserve(purse.database, owner, [
    { effect: id, amount: call.reserve, endpoint: call.name, transport: call.transport },
  ])
}
