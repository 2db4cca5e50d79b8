import { type Failure, fail } from '../core/result.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import type { HoldOwner, HoldRequest } from '../ledger/hold.ts'
import type { Purse } from '../ledger/hold-owner.ts'
import { refund } from '../ledger/refund.ts'
import { reserve } from '../ledger/reserve.ts'
import type { Message } from '../queue/message.ts'
import type { Engine } from './engine.ts'
import { holdOwnerOf } from './hold-owner.ts'
import type { Invocation } from './invocation.ts'

/** How often a run may queue what none before it has queued. */
const MAX_ROUNDS = 5

/** The call that sends them. */
interface SendingCall {
  readonly engine: Purse & Pick<Engine, 'ledger' | 'database' | 'outboxSignal'>
  readonly invocation: Invocation
}

/**
 * What the messages of an invocation may cost is set aside before it commits, outside of its transaction. Whatever
 * becomes of the invocation, what it set aside belongs to a message that was queued, or is given back.
 */
export class Outgoing {
  readonly #call: SendingCall
  readonly #reserved = new Set<string>()
  #queued: ReadonlySet<string> = new Set()
  #rounds = 0

  constructor(call: SendingCall) {
    this.#call = call
  }

  /** Whether a run has queued messages: nothing is committed with one that nothing is set aside for. */
  get hasReserved(): boolean {
    return this.#reserved.size > 0
  }

  /** The messages that nothing is set aside for yet. */
  unreserved(messages: readonly Message[]): readonly Message[] {
    return messages.filter(({ id }) => !this.#reserved.has(id))
  }

  /** Sets aside what messages may cost; the failure ends the invocation. */
  async reserve(messages: readonly Message[]): Promise<Failure | undefined> {
    this.#rounds += 1
    if (this.#rounds > MAX_ROUNDS)
      return fail('CONFLICT', 'What the call sends changed each time it was run again; try again.')
    for (const payer of ['owner', 'caller'] as const) {
      const requests = messages.filter(({ charge }) => charge.payer === payer).map(toRequest)
      if (requests.length === 0) continue
      const owner = holdOwnerOf(this.#call.engine, this.#call.invocation, payer)
      if ('failure' in owner) return owner.failure
      // Noted first: whatever comes of the statement, it is given back.
      for (const { effect } of requests) this.#reserved.add(effect)
      const failure = await this.#reserve(owner.owner, requests)
      if (failure) return failure
    }
    return undefined
  }

  /** The messages are queued: what is set aside for them is theirs. */
  committed(messages: readonly Message[]): void {
    this.#queued = new Set(messages.map(({ id }) => id))
    if (messages.length > 0) this.#call.engine.outboxSignal.wake()
  }

  /** Nobody knows whether the messages are queued: the sweeper looks later, and gives back what belongs to none. */
  leave(): void {
    this.#queued = this.#reserved
  }

  /** Gives back what belongs to no message. Never throws: what is left is given back when its lease is over. */
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

  async #reserve(owner: HoldOwner, requests: readonly HoldRequest[]): Promise<Failure | undefined> {
    const { ledger, database } = this.#call.engine
    const [request] = requests
    try {
      return request && requests.length === 1
        ? await ledger.reserve({ owner, request, state: 'reserved' })
        : await reserve(database, owner, requests)
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return fail('SERVICE_UNAVAILABLE', 'The ledger is not available at the moment; try again shortly.', {
        details: { retryAfterSeconds: 1 },
      })
    }
  }
}

function toRequest({ id, endpoint, charge }: Message): HoldRequest {
  return { effect: id, endpoint, amount: charge.reserve, transport: charge.transport }
}
