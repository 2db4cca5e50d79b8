import { type Failure, fail, type JsonValue } from '../result.ts'

export const MAX_STEPS = 32

/** A step that a run asks for: an outside call, or a `once`. */
export interface Step {
  /** The endpoint, or `once:` and the key. */
  readonly name: string
  /** The name, the fingerprint of what is sent, and which of the equal ones in this run it is. */
  readonly identity: string
  perform(): Promise<JsonValue | undefined>
}

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

  get size(): number {
    return this.#entries.size
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
    const answer = await step.perform().then(
      (value): Answer => ({ kind: 'value', json: value === undefined ? undefined : JSON.stringify(value) }),
      (error: unknown): Answer => ({ kind: 'thrown', error }),
    )
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
