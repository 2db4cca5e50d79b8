import type { Failure } from '../core/result.ts'
import { Batches } from '../db/batches.ts'
import type { Database } from '../db/database.ts'
import { Semaphore } from '../db/semaphore.ts'
import { Parameters } from '../db/statement.ts'
import type { ReservationOrder } from './reservation.ts'
import { reserve, reserveBatch } from './reserve.ts'
import { type SettlementOrder, settleBatch, settleReservation } from './settle.ts'

/**
 * The ledger of one server's calls. All of them change the same few rows, so they take turns here and not on the rows,
 * and share statements.
 */
export class Ledger {
  readonly #reserves: Batches<ReservationOrder, Failure | 'granted'>
  readonly #closings: Batches<SettlementOrder, 'closed'>

  constructor(database: Database) {
    const turns = new Semaphore(1)
    this.#reserves = new Batches<ReservationOrder, Failure | 'granted'>({
      turns,
      async together(orders) {
        const granted = await reserveBatch(database, orders)
        return orders.map((_, nth) => (granted.has(nth) ? 'granted' : undefined))
      },
      alone: async ({ account, request, state }) =>
        (await reserve(database, account, [request], state)) ?? 'granted',
    })
    this.#closings = new Batches<SettlementOrder, 'closed'>({
      turns,
      async together(orders) {
        await settleBatch(database, orders)
        return orders.map(() => 'closed')
      },
      alone: (order) => closeAlone(database, order),
    })
  }

  /**
   * Reserves what one side effect may cost, and counts it against its budgets.
   *
   * @throws {SqlError | ConnectionLost | AcquireTimeout}
   */
  async reserve(order: ReservationOrder): Promise<Failure | undefined> {
    const answer = await this.#reserves.fulfil(order)
    return answer === 'granted' ? undefined : answer
  }

  /**
   * Settles a reservation, or refunds it when its side effect surely did not happen. Deleting the reservation does it, so
   * it is done once, however often it is repeated.
   *
   * @throws {SqlError | ConnectionLost | AcquireTimeout}
   */
  async settle(order: SettlementOrder): Promise<void> {
    await this.#closings.fulfil(order)
  }
}

async function closeAlone(
  database: Database,
  { effectId, holder, ...closing }: SettlementOrder,
): Promise<'closed'> {
  const parameters = new Parameters()
  const isOurs = `effect = ${parameters.bind(effectId)} and holder = ${parameters.bind(holder)}`
  const parts = settleReservation(parameters, isOurs, closing)
  await database.write({ sql: `with ${parts} select 1`, params: parameters.values })
  return 'closed'
}
