import type { Failure } from '../core/result.ts'
import { Batches } from '../db/batches.ts'
import type { Database } from '../db/database.ts'
import { Parameters } from '../db/parameters.ts'
import { Semaphore } from '../db/semaphore.ts'
import { closeHold } from './close.ts'
import { type ClosingOrder, closeBatch } from './close-batch.ts'
import type { HoldOrder } from './hold.ts'
import { reserve } from './reserve.ts'
import { reserveBatch } from './reserve-batch.ts'

/**
 * The ledger as the calls of one server use it. All of them change the same few rows, so they take turns in here
 * and not on the rows, and share statements.
 */
export class Ledger {
  readonly #reserves: Batches<HoldOrder, Failure | 'granted'>
  readonly #closings: Batches<ClosingOrder, 'closed'>

  constructor(database: Database) {
    const turns = new Semaphore(1)
    this.#reserves = new Batches<HoldOrder, Failure | 'granted'>({
      turns,
      async together(orders) {
        const granted = await reserveBatch(database, orders)
        return orders.map((_, nth) => (granted.has(nth) ? 'granted' : undefined))
      },
      alone: async ({ owner, request, state }) =>
        (await reserve(database, owner, [request], state)) ?? 'granted',
    })
    this.#closings = new Batches<ClosingOrder, 'closed'>({
      turns,
      async together(orders) {
        await closeBatch(database, orders)
        return orders.map(() => 'closed')
      },
      alone: (order) => closeAlone(database, order),
    })
  }

  /**
   * Sets money aside for one effect, and counts it against its budgets.
   *
   * @throws {SqlError | ConnectionLost | AcquireTimeout}
   */
  async reserve(order: HoldOrder): Promise<Failure | undefined> {
    const answer = await this.#reserves.fulfil(order)
    return answer === 'granted' ? undefined : answer
  }

  /**
   * Settles a hold, or refunds one whose effect surely did not happen. Whoever deletes the hold does it, so it is done
   * once, however often it is repeated.
   *
   * @throws {SqlError | ConnectionLost | AcquireTimeout}
   */
  async close(order: ClosingOrder): Promise<void> {
    await this.#closings.fulfil(order)
  }
}

async function closeAlone(
  database: Database,
  { effect, holder, ...closing }: ClosingOrder,
): Promise<'closed'> {
  const parameters = new Parameters()
  const isOurs = `effect = ${parameters.bind(effect)} and holder = ${parameters.bind(holder)}`
  const parts = closeHold(parameters, isOurs, closing)
  await database.write({ sql: `with ${parts} select 1`, params: parameters.values })
  return 'closed'
}
