import { setTimeout as sleep } from 'node:timers/promises'
import type { Failure } from '../core/result.ts'
import { isPassing } from '../db/sqlstate.ts'
import { Parameters } from '../db/statement.ts'
import type { ReservationSettings } from '../ledger/reservation.ts'
import { settleReservation } from '../ledger/settle.ts'
import type { Engine, FailpointName } from './engine.ts'
import type { DerivedIds } from './fingerprint.ts'
import type { KeyScope } from './idempotency.ts'
import type { RecordedCall } from './invocation-record.ts'
import type { Step, StepCompletion, StepStore } from './journal.ts'
import { reservationAccountOf } from './payer.ts'

/** How long the end of a step waits for a database that is away. */
const STORE_TIMEOUT_MS = 15_000
const STORE_INTERVAL_MS = 250
const NOT_LEFT = {
  outcome: 'nothing',
  cost: 0,
  json: undefined,
  durationMs: undefined,
} as const

/** The call whose steps are kept. */
interface SteppingCall extends RecordedCall {
  readonly engine: ReservationSettings & Pick<Engine, 'ledger' | 'database' | 'failpoint' | 'observer'>
  readonly ids: Pick<DerivedIds, 'effectIdOf'>
}

/**
 * Stores an invocation's steps: reservations in the ledger and, under an idempotency key, the journal. Each change is one
 * statement that commits by itself.
 */
export class DatabaseStepStore implements StepStore {
  readonly #call: SteppingCall
  /** Identity → id of the side effect. */
  readonly #effectIds = new Map<string, string>()

  constructor(call: SteppingCall) {
    this.#call = call
  }

  /** Returns the id of the step's side effect. */
  effectIdOf({ identity }: Step): string {
    const known = this.#effectIds.get(identity)
    if (known !== undefined) return known
    const effectId = this.#call.ids.effectIdOf(identity)
    this.#effectIds.set(identity, effectId)
    return effectId
  }

  /** Reserves what a step may cost, and counts it against its budgets. */
  async reserve(step: Step): Promise<Failure | undefined> {
    const { charge } = step
    if (!charge) return undefined
    const account = reservationAccountOf(this.#call.engine, this.#call.invocation, charge.payer)
    if ('failure' in account) return account.failure
    const { transport, reserve: amount } = charge
    const request = { effectId: this.effectIdOf(step), amount, endpoint: step.name, transport }
    // Without a key nothing is noted beside it, so that it leaves is told together with what it may cost.
    const state = this.#call.invocation.keyScope ? 'reserved' : 'sent'
    try {
      const refused = await this.#call.engine.ledger.reserve({ account: account.account, request, state })
      if (!refused) await this.#failpoint('after-reserve')
      return refused
    } catch (error) {
      await this.#undo(step)
      throw error
    }
  }

  /** Marks a step as sent, right before it is. */
  async sent(step: Step): Promise<void> {
    const { keyScope } = this.#call.invocation
    if (!keyScope && !step.charge) return
    if (keyScope) await this.#noteSent(step, keyScope)
    this.#notePayer(step)
    await this.#failpoint('after-step-sent')
  }

  #notePayer({ charge }: Step): void {
    if (charge) this.#call.record.pay(charge.payer)
  }

  async #noteSent(step: Step, keyScope: KeyScope): Promise<void> {
    const parameters = new Parameters()
    const parts = this.#sentParts(step, keyScope, parameters)
    try {
      const left = await this.#write(parts, 'select count(*) from leaves', parameters)
      if (left !== 1) throw new Error(`What was set aside for "${step.name}" is gone`)
    } catch (error) {
      // It may be noted all the same, and it does not leave.
      await this.#undo(step)
      throw error
    }
  }

  /** Takes over a step that an earlier invocation has sent, to send it again under the same key. */
  async resume(step: Step): Promise<void> {
    const parameters = new Parameters()
    const holder = parameters.bind(this.#call.invocation.id)
    const lease = parameters.bind(Math.ceil(this.#call.invocation.leaseMs), 'int')
    const effectId = parameters.bind(this.effectIdOf(step))
    await this.#write(
      [
        `hold as (update deputy.credit_holds set holder = ${holder}, lease_until = now() + ${lease} * interval '1 millisecond'
          where effect = ${effectId})`,
        `noted as (update deputy.journal_steps set token = ${holder} where ${this.#isStep(step, parameters)})`,
      ],
      'select 1',
      parameters,
    )
    this.#notePayer(step)
    await this.#failpoint('after-step-sent')
  }

  /** Stores the end of a step, before its handler sees the answer. Tries again while the database is away. */
  async close(step: Step, completion: StepCompletion): Promise<void> {
    if (step.charge) this.#call.record.spend(step.identity, completion.cost)
    const endsAt = performance.now() + STORE_TIMEOUT_MS
    for (;;) {
      try {
        await this.#close(step, completion)
        break
      } catch (error) {
        if (!isPassing(error) || performance.now() > endsAt) throw error
      }
      await sleep(STORE_INTERVAL_MS)
    }
    const { charge } = step
    // What did not happen is given back, and no more is charged than was reserved.
    if (charge && completion.outcome !== 'nothing')
      this.#call.engine.observer?.spent(step.name, charge.payer, Math.min(completion.cost, charge.reserve))
    if (completion.outcome === 'answered') await this.#failpoint('after-step-answered')
  }

  async #close(step: Step, completion: StepCompletion): Promise<void> {
    const { engine, invocation } = this.#call
    const { keyScope, id: holder } = invocation
    if (!keyScope) {
      const { outcome, cost, durationMs, status } = completion
      if (step.charge)
        await engine.ledger.settle({
          effectId: this.effectIdOf(step),
          holder,
          outcome,
          cost,
          durationMs,
          status,
        })
      return
    }
    const parameters = new Parameters()
    const parts = this.#closeParts(step, completion, parameters)
    if (parts.length > 0) await this.#write(parts, 'select 1', parameters)
  }

  /** Refunds a step that was not sent. Never throws: the sweeper resolves what is left. */
  async #undo(step: Step): Promise<void> {
    try {
      await this.close(step, NOT_LEFT)
    } catch (error) {
      this.#call.invocation.log.warn(
        { err: error, step: step.name },
        'What was set aside could not be given back',
      )
    }
  }

  /** Writes the parts that mark a step as sent. The part `leaves` has a row if the step may be sent. */
  #sentParts(step: Step, { actor, action, key }: KeyScope, parameters: Parameters): string[] {
    const { id } = this.#call.invocation
    const row = [actor, action, key, step.identity, step.name, id].map((value) => parameters.bind(value))
    const note = `insert into deputy.journal_steps (actor, action, key, identity, name, token, state)
        select ${row.join(', ')}, 'sent'`
    if (!step.charge) return [`leaves as (${note} returning 1)`]
    const leaves = `update deputy.credit_holds set state = 'sent' where effect = ${parameters.bind(this.effectIdOf(step))}
          and holder = ${parameters.bind(id)} and state = 'reserved' returning 1`
    return [`leaves as (${leaves})`, `noted as (${note} from leaves)`]
  }

  #closeParts(step: Step, completion: StepCompletion, parameters: Parameters): string[] {
    const { outcome, cost, json, durationMs, status } = completion
    const { id } = this.#call.invocation
    const parts: string[] = []
    if (step.charge) {
      const isHeld = `effect = ${parameters.bind(this.effectIdOf(step))} and holder = ${parameters.bind(id)}`
      parts.push(settleReservation(parameters, isHeld, { outcome, cost, durationMs, status }))
    }
    if (outcome === 'unknown') return parts
    if (outcome === 'answered') {
      const [answer, price] = [parameters.bind(json ?? null), parameters.bind(cost, 'bigint')]
      const isStep = this.#isStep(step, parameters)
      return [
        ...parts,
        `noted as (update deputy.journal_steps set state = 'answered', answer = ${answer}, cost = ${price} where ${isStep})`,
      ]
    }
    const isOurs = `${this.#isStep(step, parameters)} and token = ${parameters.bind(id)}`
    return [...parts, `noted as (delete from deputy.journal_steps where ${isOurs})`]
  }

  #isStep(step: Step, parameters: Parameters): string {
    const { actor, action, key } = this.#call.invocation.keyScope ?? { actor: null, action: null, key: null }
    const [a, b, c, d] = [actor, action, key, step.identity].map((value) => parameters.bind(value))
    return `actor = ${a} and action = ${b} and key = ${c} and identity = ${d}`
  }

  async #write(parts: readonly string[], select: string, parameters: Parameters): Promise<number> {
    const sql = `with ${parts.join(',\n')}\n${select}`
    const { rows } = await this.#call.engine.database.write({ sql, params: parameters.values })
    return Number(rows[0]?.[0])
  }

  #failpoint(name: FailpointName): void | Promise<void> {
    return this.#call.engine.failpoint(name)
  }
}
