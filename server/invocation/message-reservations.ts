import { type Failure, fail } from '../core/result.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import type { ReservationAccount, ReservationRequest, ReservationSettings } from '../ledger/reservation.ts'
import { reserve } from '../ledger/reserve.ts'
import { refund } from '../ledger/settle.ts'
import type { Message } from '../queue/work.ts'
import type { Engine } from './engine.ts'
import type { Invocation } from './invocation.ts'
import { reservationAccountOf } from './payer.ts'

/** How many runs may queue new messages. */
const MAX_ROUNDS = 5

/** The call that sends them. */
interface SendingCall {
  readonly engine: ReservationSettings & Pick<Engine, 'ledger' | 'database'>
  readonly invocation: Invocation
}

/**
 * The reservations for an invocation's messages, made before it commits and outside of its transaction. In the end each
 * belongs to a queued message, or is refunded.
 */
export class MessageReservations {
  readonly #call: SendingCall
  readonly #reserved = new Set<string>()
  #queued: ReadonlySet<string> = new Set()
  #rounds = 0

  constructor(call: SendingCall) {
    this.#call = call
  }

  /** Whether there are reservations: no message is committed without one. */
  get hasReserved(): boolean {
    return this.#reserved.size > 0
  }

  /** Lists the messages without a reservation. */
  unreserved(messages: readonly Message[]): readonly Message[] {
    return messages.filter(({ id }) => !this.#reserved.has(id))
  }

  /** Reserves what messages may cost; the failure ends the invocation. */
  async reserve(messages: readonly Message[]): Promise<Failure | undefined> {
    this.#rounds += 1
    if (this.#rounds > MAX_ROUNDS)
      return fail('CONFLICT', 'What the call sends changed each time it was run again; try again.')
    for (const payer of ['owner', 'caller'] as const) {
      const requests = messages.filter(({ charge }) => charge.payer === payer).map(toRequest)
      if (requests.length === 0) continue
      const account = reservationAccountOf(this.#call.engine, this.#call.invocation, payer)
      if ('failure' in account) return account.failure
      // Noted before the statement, whose answer may be lost: then they are refunded.
      for (const { effectId } of requests) this.#reserved.add(effectId)
      const failure = await this.#reserve(account.account, requests)
      if (failure) return failure
    }
    return undefined
  }

  /** Notes that messages are queued and own their reservations. */
  committed(messages: readonly Message[]): void {
    this.#queued = new Set(messages.map(({ id }) => id))
  }

  /** Leaves the reservations to the sweeper, because it is unknown whether the messages are queued. */
  leave(): void {
    this.#queued = this.#reserved
  }

  /** Refunds the reservations without a message. Never throws: the sweeper refunds what is left. */
  async release(): Promise<void> {
    const { engine, invocation } = this.#call
    const unused = [...this.#reserved].filter((effect) => !this.#queued.has(effect))
    if (unused.length === 0) return
    try {
      await refund(engine.database, invocation.id, unused)
    } catch (error) {
      invocation.log.warn({ err: error }, 'What was set aside for messages could not be given back yet')
    }
  }

  async #reserve(
    account: ReservationAccount,
    requests: readonly ReservationRequest[],
  ): Promise<Failure | undefined> {
    const { ledger, database } = this.#call.engine
    const [request] = requests
    try {
      return request && requests.length === 1
        ? await ledger.reserve({ account, request, state: 'reserved' })
        : await reserve(database, account, requests)
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return fail('SERVICE_UNAVAILABLE', 'The ledger is not available at the moment; try again shortly.', {
        details: { retryAfterSeconds: 1 },
      })
    }
  }
}

function toRequest({ id, endpoint, charge }: Message): ReservationRequest {
  return { effectId: id, endpoint, amount: charge.reserve, transport: charge.transport }
}
