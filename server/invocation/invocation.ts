import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'
import { uuidv7 } from 'uuidv7'
import type { Actor } from '../auth/actor.ts'
import type { Engine } from '../engine.ts'
import type { Failure } from '../result.ts'
import { Journal, type Step } from './journal.ts'

export interface InvocationOptions {
  readonly engine: Engine
  readonly actor: Actor
  readonly action: string
  readonly requestId: string
  /** A `.query`: its transaction only reads. */
  readonly readOnly: boolean
  /** Time that the handler may take in all its runs. */
  readonly deadlineMs: number
  /** How long the call may last, whatever it waits for. @default 120000 */
  readonly lifetimeMs?: number
}

const DEFAULT_LIFETIME_MS = 120_000

/** Set while the function of a `once` runs: tools would write in a transaction that is not theirs. */
const insideOnce = new AsyncLocalStorage<true>()

/** One call of one action, with what stays the same in every attempt at it. */
export class Invocation {
  readonly id = uuidv7()
  readonly engine: Engine
  readonly actor: Actor
  readonly action: string
  readonly actionKey: string
  readonly requestId: string
  readonly readOnly: boolean
  readonly now: Date
  readonly journal = new Journal()
  readonly lifetimeMs: number
  /** What is left of the deadline. */
  remainingMs: number
  readonly #mintedIds: string[] = []
  #log: Logger | undefined

  constructor(options: InvocationOptions) {
    this.engine = options.engine
    this.actor = options.actor
    this.action = options.action
    this.actionKey = `action:${options.action}`
    this.requestId = options.requestId
    this.readOnly = options.readOnly
    this.remainingMs = options.deadlineMs
    this.lifetimeMs = options.lifetimeMs ?? DEFAULT_LIFETIME_MS
    this.now = options.engine.clock()
  }

  get log(): Logger {
    this.#log ??= this.engine.log.child({
      requestId: this.requestId,
      invocationId: this.id,
      action: this.action,
      actor: this.actor.kind === 'user' ? this.actor.userId : this.actor.kind,
    })
    return this.#log
  }

  /** The nth id that a run mints: the same in every run. */
  mintedId(position: number): string {
    const known = this.#mintedIds[position]
    if (known !== undefined) return known
    const id = uuidv7()
    this.#mintedIds[position] = id
    return id
  }

  /** Deals with new steps that leave an answered one unused; the failure ends the invocation. */
  diverges(steps: readonly Step[], run: number): Failure | undefined {
    const divergence = this.journal.diverges(steps, run)
    if (divergence && !divergence.failure) {
      this.log.warn(
        { step: divergence.step },
        'The data behind a step changed between runs; it is called anew, this once',
      )
    }
    return divergence?.failure
  }

  isInsideOnce(): boolean {
    return insideOnce.getStore() === true
  }

  runOnce<T>(run: () => T): T {
    return insideOnce.run(true, run)
  }
}
