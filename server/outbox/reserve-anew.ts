import type { Database } from '../db/database.ts'
import type { OutboundCall } from '../integrations/integrations.ts'
import { type Budgets, budgetsOf } from '../ledger/budgets.ts'
import { reserve } from '../ledger/reserve.ts'
import { type Failure, fail } from '../result.ts'
import type { QueuedMessage } from './message.ts'

/** What has to be known to set money aside for a message. */
export interface Purse {
  readonly database: Database
  readonly ownerUserId: string | undefined
  readonly isOwnerUnmetered: boolean
  readonly budgets: Budgets
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
  { database, ownerUserId, isOwnerUnmetered, budgets }: Purse,
  { id, payer, caller, action, invocation }: QueuedMessage,
  call: OutboundCall,
  reserving: Reserving,
): Promise<Failure | undefined> {
  const account = payer === 'owner' ? ownerUserId : caller
  if (account === undefined || account === null)
    return fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: the app's owner pays for this message.")
  const isAnonymous = caller === null
  const used = budgetsOf({
    budgets,
    caller: isAnonymous ? 'address:unknown' : `user:${caller}`,
    isAnonymous,
    isOwner: caller === ownerUserId,
    action,
  })
  const isMetered = !(isOwnerUnmetered && account === ownerUserId)
  const owner = { ...reserving, account, isMetered, payer, caller, action, invocation }
  return reserve(database, { ...owner, budgets: payer === 'owner' ? used : [] }, [
    { effect: id, amount: call.reserve, endpoint: call.name, transport: call.transport },
  ])
}
