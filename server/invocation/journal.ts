import { type Failure, FailureError, fail } from '../core/result.ts'
import { mapEngineError } from '../db/sqlstate.ts'
import type { SideEffectOutcome } from '../integrations/integrations.ts'
import type { Charge, StepResult, TraceHeaders } from '../tools/tool-runtime.ts'

export const MAX_STEPS = 32

/** A step that a run asks for: an outbound call, or a `once`. */
export interface Step {
  /** The endpoint, or `once:` and the key. */
  readonly name: string
  /** The name, the fingerprint of what is sent, and which of the equal ones in this run it is. */
  readonly identity: string
  /**
   * @param effectId the side effect's id, the same in every attempt at it.
   * @param isResent whether an invocation that died may have sent it before.
   * @param traceHeaders what tells the provider what the step is a part of, where the app traces.
   */
  perform(effectId: string, isResent: boolean, traceHeaders?: TraceHeaders): Promise<StepResult>
  /** Who pays for it; undefined for a `once`, which costs nothing. */
  readonly charge: Charge | undefined
}

/** A step that an earlier invocation of the same key has stored. */
export interface StoredStep {
  readonly identity: string
  readonly name: string
  /** `sent`: its outcome is unknown. */
  readonly state: 'sent' | 'answered'
  readonly answer: string | null
  /** In whole micro-credits. */
  readonly cost: number
}

/** The end of a step, as it is stored. */
export interface StepCompletion {
  readonly outcome: SideEffectOutcome
  /** In whole micro-credits. */
  readonly cost: number
  readonly json: string | undefined
  readonly durationMs: number | undefined
  /** The HTTP status of the newest answer. @default none came */
  readonly status?: number | undefined
}

/** Stores the steps of an invocation. */
export interface StepStore {
  /** Returns the id of the step's side effect. */
  effectIdOf(step: Step): string
  /** Reserves what a step may cost, and counts it against its budgets. */
  reserve(step: Step): Promise<Failure | undefined>
  /** Marks a step as sent, right before it is. */
  sent(step: Step): Promise<void>
  /** Takes over a step that an earlier invocation has sent, to send it again under the same key. */
  resume(step: Step): Promise<void>
  /** Stores the end of a step, before its handler sees the answer. */
  close(step: Step, completion: StepCompletion): Promise<void>
}

type StepAnswer =
  | { readonly kind: 'value'; readonly json: string | undefined }
  | { readonly kind: 'thrown'; readonly error: unknown }
  /** Sent by an invocation that died before the answer came. */
  | { readonly kind: 'broken off' }

interface Entry {
  readonly name: string
  readonly answer: StepAnswer
  /** The run that last asked for it. */
  lastRun: number
  /** Whether a handled divergence has left it unused. */
  superseded: boolean
}

/**
 * The answers of one invocation's steps, so that a handler that is run again gets the same answers and nothing is called
 * twice.
 */
export class Journal {
  readonly #entries = new Map<string, Entry>()
  readonly #store: StepStore
  #divergences = 0

  constructor(store: StepStore) {
    this.#store = store
  }

  get size(): number {
    return this.#entries.size
  }

  /** Takes over the steps of an earlier invocation. */
  resume(known: readonly StoredStep[]): void {
    for (const { identity, name, state, answer } of known) {
      const kept: StepAnswer =
        state === 'answered' ? { kind: 'value', json: answer ?? undefined } : { kind: 'broken off' }
      this.#entries.set(identity, { name, answer: kept, lastRun: 0, superseded: false })
    }
  }

  /** Whether a step is not performed again: it has an answer, or must not be sent again. */
  has(step: Step): boolean {
    const kept = this.#entries.get(step.identity)
    return kept !== undefined && !(kept.answer.kind === 'broken off' && isRepeatable(step))
  }

  /** Whether a step was sent, or may have been: one that was refused before costs nothing. */
  hasLeft({ identity }: Step): boolean {
    const kept = this.#entries.get(identity)
    return kept !== undefined && kept.answer.kind !== 'thrown'
  }

  /** Decodes a recorded answer, again for each run, so that no run can change another's. Rethrows a recorded error. */
  read(identity: string, run: number): unknown {
    const entry = this.#entries.get(identity)
    if (!entry) throw new Error(`The journal has no step ${JSON.stringify(identity)}`)
    entry.lastRun = run
    if (entry.answer.kind === 'thrown') throw entry.answer.error
    if (entry.answer.kind === 'broken off') throw new FailureError(unknownOutcome(entry.name))
    return entry.answer.json === undefined ? undefined : JSON.parse(entry.answer.json)
  }

  /** Performs the step and records its answer. */
  async perform(step: Step, run: number): Promise<void> {
    const isResent = this.#entries.has(step.identity)
    const answer = await performStored(step, this.#store, isResent)
    this.#entries.set(step.identity, { name: step.name, answer, lastRun: run, superseded: false })
  }

  /**
   * Finds an answered step that a run with new steps of the same name has left unused: the data behind it has changed.
   * The first time the new step is called; the second time there is a failure.
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

/** Makes the failure of a step that could not be stored: a repeated call would not know of it. */
function notStored(name: string, error: unknown): Failure {
  const mapped = mapEngineError(error)
  return mapped?.kind === 'failure'
    ? mapped.failure
    : fail('SERVICE_UNAVAILABLE', `The answer of "${name}" could not be kept; try again shortly.`, {
        details: { retryAfterSeconds: 1 },
      })
}

/** Whether the provider recognizes a repeated call by its key. */
function isRepeatable({ charge }: Step): boolean {
  return charge?.takesKey === true
}

/**
 * Performs a step: reserves its cost, marks it as sent, sends it, and stores its answer and cost before the handler sees
 * them.
 */
async function performStored(step: Step, store: StepStore, isResent: boolean): Promise<StepAnswer> {
  try {
    if (isResent) await store.resume(step)
    else {
      const refused = await store.reserve(step)
      if (refused) return { kind: 'thrown', error: new FailureError(refused) }
      await store.sent(step)
    }
    const startedAt = performance.now()
    const { answer, outcome, cost, status } = await perform(step, store.effectIdOf(step), isResent)
    const durationMs = performance.now() - startedAt
    const json = answer.kind === 'value' ? answer.json : undefined
    await store.close(step, { outcome, cost, json, durationMs, status })
    return answer
  } catch (error) {
    return { kind: 'thrown', error: new FailureError(notStored(step.name, error)) }
  }
}

async function perform(step: Step, name: string, isResent: boolean) {
  try {
    const { value, outcome, cost, status } = await step.perform(name, isResent)
    const json = value === undefined ? undefined : JSON.stringify(value)
    return { answer: { kind: 'value', json } as const, outcome, cost, status }
  } catch (error) {
    // An outbound call never throws; only the function of a `once` does, which is run again.
    return {
      answer: { kind: 'thrown', error } as const,
      outcome: 'nothing' as const,
      cost: 0,
      status: undefined,
    }
  }
}
