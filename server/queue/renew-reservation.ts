import { type Failure, fail } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import type { OutboundCall } from '../integrations/integrations.ts'
import { type ReservationSettings, reservationAccount } from '../ledger/reservation.ts'
import { reserve } from '../ledger/reserve.ts'
import type { QueuedMessage } from './work.ts'

/** What a reservation for a message is made from. */
export interface ReservationContext extends ReservationSettings {
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
  settings: ReservationContext,
  { id, payer, caller, actedBy, action, invocation }: QueuedMessage,
  call: OutboundCall,
  reserving: ReservationHolder,
): Promise<Failure | undefined> {
  const owner = reservationAccount(settings, {
    ...reserving,
    payer,
    caller: actedBy ?? caller,
    // Only the app itself queues without a user.
    isApp: caller === null,
    action,
    invocation,
  })
  if (!owner) return fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: the app's owner pays for this message.")
  return reserve(settings.database, owner, [
    { effectId: id, amount: call.reserve, endpoint: call.name, transport: call.transport },
  ])
}
