import { mapDatabaseError } from '../db/sqlstate.ts'
import { type Failure, FailureError, fail, type JsonValue } from '../result.ts'
import type { StepStore, StoredStep } from './step-store.ts'

export const MAX_STEPS = 32

/** A step that a run asks for: an outside call, or a `once`. */
export interface Step {
  /** The endpoint, or `once:` and the key. */
  readonly name: string
  /** The name, the fingerprint of what is sent, and which of the equal ones in this run it is. */
  readonly identity: string
  perform(): Promise<JsonValue | undefined>
  /** What an answer says of the outside world. @default 'answered' */
  readonly effectOf?: ((answer: unknown) => StepEffect) | undefined
}

/** Whether a step has done something outside: it answered, it surely has not, or nobody knows. */
export type StepEffect = 'answered' | 'nothing' | 'unknown'

type Answer =
  | { readonly kind: 'value'; readonly json: string | undefined }
  | { readonly kind: 'thrown'; readonly error: unknown }

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
  #divergences = 0
  #store: StepStore | undefined

  get size(): number {
    return this.#entries.size
  }

  /** Takes over what is known from before, and keeps what comes in the store as well. */
  keepIn(store: StepStore, known: readonly StoredStep[]): void {
    this.#store = store
    for (const { identity, name, state, answer } of known) {
      const kept: Answer =
        state === 'answered'
          ? { kind: 'value', json: answer ?? undefined }
          : { kind: 'thrown', error: new FailureError(unknownOutcome(name)) }
      this.#entries.set(identity, { name, answer: kept, lastRun: 0, superseded: false })
    }
  }

  has(identity: string): boolean {
    return this.#entries.has(identity)
  }

  /** The recorded answer, decoded anew, so that no run can change what another one sees. Rethrows what was thrown. */
  read(identity: string, run: number): unknown {
    const entry = this.#entries.get(identity)
    if (!entry) throw new Error(`The journal has no step ${JSON.stringify(identity)}`)
    entry.lastRun = run
    if (entry.answer.kind === 'thrown') throw entry.answer.error
    return entry.answer.json === undefined ? undefined : JSON.parse(entry.answer.json)
  }

  /** Performs the step and records what it answered. */
  async perform(step: Step, run: number): Promise<void> {
    const answer = this.#store ? await performStored(step, this.#store) : await perform(step)
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
    for (const { name } of steps) {
      const unused = [...this.#entries.values()].filter(
        (entry) => entry.name === name && !entry.superseded && entry.lastRun !== run,
      )
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
  const mapped = mapDatabaseError(error, () => undefined)
  return mapped?.kind === 'failure'
    ? mapped.failure
    : fail('SERVICE_UNAVAILABLE', `The answer of "${name}" could not be kept; try again shortly.`, {
        details: { retryAfterSeconds: 1 },
      })
}

async function perform(step: Step): Promise<Answer> {
  try {
    const value = await step.perform()
    return { kind: 'value', json: value === undefined ? undefined : JSON.stringify(value) }
  } catch (error) {
    return { kind: 'thrown', error }
  }
}

/** Says that it leaves before it does, and what came of it before anybody sees it. */
async function performStored(step: Step, store: StepStore): Promise<Answer> {
  try {
    await store.sent(step.identity, step.name)
    const answer = await perform(step)
    const effect = answer.kind === 'thrown' ? 'nothing' : effectOf(step, answer.json)
    if (effect === 'answered') await store.answered(step.identity, jsonOf(answer))
    if (effect === 'nothing') await store.forget(step.identity)
    return answer
  } catch (error) {
    return { kind: 'thrown', error: new FailureError(notStored(step.name, error)) }
  }
}

function effectOf(step: Step, json: string | undefined): StepEffect {
  return step.effectOf && json !== undefined ? step.effectOf(JSON.parse(json)) : 'answered'
}

function jsonOf(answer: Answer): string | undefined {
  return answer.kind === 'value' ? answer.json : undefined
}
