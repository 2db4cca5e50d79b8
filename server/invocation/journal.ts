import { type Failure, FailureError, fail } from '../core/result.ts'
import { mapEngineError } from '../db/sqlstate.ts'
import type { EffectOutcome } from '../integrations/integrations.ts'
import type { Charge, Performed } from '../tools/scope.ts'

export const MAX_STEPS = 32

/** A step that a run asks for: an outside call, or a `once`. */
export interface Step {
  /** The endpoint, or `once:` and the key. */
  readonly name: string
  /** The name, the fingerprint of what is sent, and which of the equal ones in this run it is. */
  readonly identity: string
  /**
   * @param effect names the outside effect, the same in every attempt at it.
   * @param isResent whether an invocation that broke off may have caused it before.
   */
  perform(effect: string, isResent: boolean): Promise<Performed>
  /** Who pays for it; undefined for what costs nothing and is no outside call. */
  readonly charge: Charge | undefined
}

/** What is known of a step of an invocation that came before, under the same key. */
export interface StoredStep {
  readonly identity: string
  readonly name: string
  /** `sent`: nobody knows what came of it. */
  readonly state: 'sent' | 'answered'
  readonly answer: string | null
  /** In whole micro-credits. */
  readonly cost: number
}

/** What a step came to, as it is kept. */
export interface StepClosing {
  readonly effect: EffectOutcome
  /** In whole micro-credits. */
  readonly cost: number
  readonly json: string | undefined
  readonly durationMs: number | undefined
}

/** Keeps outside of the invocation what there is to know of its steps. */
export interface StepKeeper {
  /** Names the step's outside effect. */
  effectOf(step: Step): string
  /** Sets aside what a step may cost, and counts it against its budgets. */
  reserve(step: Step): Promise<Failure | undefined>
  /** Notes that a step is about to leave, before it does. */
  sent(step: Step): Promise<void>
  /** Takes over a step that an invocation before this one has sent, to send it again under the same key. */
  resume(step: Step): Promise<void>
  /** Notes what came of a step, before its handler sees it: known here alone, and true however late it is written. */
  close(step: Step, closing: StepClosing): Promise<void>
}

type Answer =
  | { readonly kind: 'value'; readonly json: string | undefined }
  | { readonly kind: 'thrown'; readonly error: unknown }
  /** Sent by an invocation that broke off before it was answered. */
  | { readonly kind: 'broken off' }

interface Entry {
  readonly name: string
  readonly answer: Answer
  /** The run that last asked for it. */
  lastRun: number
  /** Left behind by a divergence that has been dealt with. */
  superseded: boolean
}

/**
 * What the steps of one invocation answered, so that a handler that is run again gets the same answers and
 * nothing is called twice.
 */
export class Journal {
  readonly #entries = new Map<string, Entry>()
  readonly #store: StepKeeper
  #divergences = 0

  constructor(store: StepKeeper) {
    this.#store = store
  }

  get size(): number {
    return this.#entries.size
  }

  /** Takes over what is known from before. */
  resume(known: readonly StoredStep[]): void {
    for (const { identity, name, state, answer } of known) {
      const kept: Answer =
        state === 'answered' ? { kind: 'value', json: answer ?? undefined } : { kind: 'broken off' }
      this.#entries.set(identity, { name, answer: kept, lastRun: 0, superseded: false })
    }
  }

  /** Whether a step needs not be performed: it has an answer, or must not be sent again. */
  has(step: Step): boolean {
    const kept = this.#entries.get(step.identity)
    return kept !== undefined && !(kept.answer.kind === 'broken off' && isRepeatable(step))
  }

  /** Whether a step has left, or may have: one that was refused before it did has cost nobody anything. */
  hasLeft({ identity }: Step): boolean {
    const kept = this.#entries.get(identity)
    return kept !== undefined && kept.answer.kind !== 'thrown'
  }

  /** The recorded answer, decoded anew, so that no run can change what another one sees. Rethrows what was thrown. */
  read(identity: string, run: number): unknown {
    const entry = this.#entries.get(identity)
    if (!entry) throw new Error(`The journal has no step ${JSON.stringify(identity)}`)
    entry.lastRun = run
    if (entry.answer.kind === 'thrown') throw entry.answer.error
    if (entry.answer.kind === 'broken off') throw new FailureError(unknownOutcome(entry.name))
    return entry.answer.json === undefined ? undefined : JSON.parse(entry.answer.json)
  }

  /** Performs the step and records what it answered. */
  async perform(step: Step, run: number): Promise<void> {
    const isResent = this.#entries.has(step.identity)
    const answer = await performStored(step, this.#store, isResent)
    this.#entries.set(step.identity, { name: step.name, answer, lastRun: run, superseded: false })
  }

  /**
   * Looks whether a run that asks for new steps has left an answered step of the same name unused: the data it
   * was built from has changed. Once that is forgiven, and the step called anew.
   */
  diverges(
    steps: readonly Step[],
    run: number,
  ): { readonly step: string; readonly failure?: Failure } | undefined {
    const asked = new Set(steps.map(({ identity }) => identity))
    for (const { name } of steps) {
      const unused = [...this.#entries]
        .filter(([identity]) => !asked.has(identity))
        .map(([, entry]) => entry)
        .filter((entry) => entry.name === name && !entry.superseded && entry.lastRun !== run)
      if (unused.length === 0) continue
      for (const entry of unused) entry.superseded = true
      this.#divergences += 1
      if (this.#divergences === 1) return { step: name }
      return {
        step: name,
        failure: fail('CONFLICT', `The data behind "${name}" changed again while it was called; try again.`),
      }
    }
    return undefined
  }
}

function unknownOutcome(name: string): Failure {
  return fail(
    'BAD_GATEWAY',
    `"${name}" was called by an attempt that broke off, and its outcome is unknown; look there whether it happened.`,
    { details: { outcome: 'unknown' } },
  )
}

/** What could not be noted must not be used: a repetition would not know of it. */
function notStored(name: string, error: unknown): Failure {
  const mapped = mapEngineError(error)
  return mapped?.kind === 'failure'
    ? mapped.failure
    : fail('SERVICE_UNAVAILABLE', `The answer of "${name}" could not be kept; try again shortly.`, {
        details: { retryAfterSeconds: 1 },
      })
}

/** Whether the provider knows a repeated call by its key. */
function isRepeatable({ charge }: Step): boolean {
  return charge?.takesKey === true
}

/**
 * Sets aside what it may cost and says that it leaves, before it does; and keeps what came of it, with what it cost,
 * before anybody sees it.
 */
async function performStored(step: Step, store: StepKeeper, isResent: boolean): Promise<Answer> {
  try {
    if (isResent) await store.resume(step)
    else {
      const refused = await store.reserve(step)
      if (refused) return { kind: 'thrown', error: new FailureError(refused) }
      await store.sent(step)
    }
    const startedAt = performance.now()
    const { answer, effect, cost } = await perform(step, store.effectOf(step), isResent)
    const durationMs = performance.now() - startedAt
    const json = answer.kind === 'value' ? answer.json : undefined
    await store.close(step, { effect, cost, json, durationMs })
    return answer
  } catch (error) {
    return { kind: 'thrown', error: new FailureError(notStored(step.name, error)) }
  }
}

async function perform(step: Step, name: string, isResent: boolean) {
  try {
    const { value, effect, cost } = await step.perform(name, isResent)
    const json = value === undefined ? undefined : JSON.stringify(value)
    return { answer: { kind: 'value', json } as const, effect, cost }
  } catch (error) {
    // An outside call answers whatever happens; who throws is the function of a `once`, which is run again.
    return { answer: { kind: 'thrown', error } as const, effect: 'nothing' as const, cost: 0 }
  }
}
