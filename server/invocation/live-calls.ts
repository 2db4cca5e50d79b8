import type { RecordedCall } from './invocation-record.ts'
import type { ToldPhase } from './timeline.ts'

/** A call that is under way. */
export interface LiveCall {
  readonly action: string
  readonly source: string
  readonly transport: string
  readonly requestId: string
  readonly invocationId: string
  readonly ageMs: number
  /** How often its handler has been started. */
  readonly attempts: number
  /** What it is at: what it waits for, or nothing but its handler. */
  readonly at: readonly ToldPhase[]
}

/** The calls that are under way in one server. */
export class LiveCalls {
  readonly #calls = new Set<RecordedCall>()

  get count(): number {
    return this.#calls.size
  }

  add(call: RecordedCall): void {
    this.#calls.add(call)
  }

  delete(call: RecordedCall): void {
    this.#calls.delete(call)
  }

  /** Those that have gone on for longest, the oldest first. */
  oldest(most: number): readonly LiveCall[] {
    const calls: LiveCall[] = []
    // They stand in the order of their beginning.
    for (const { invocation, record } of this.#calls) {
      if (calls.length >= most) break
      const { action, source, transport, requestId, id, elapsedMs } = invocation
      calls.push({
        action,
        source,
        transport,
        requestId,
        invocationId: id,
        ageMs: Math.round(elapsedMs),
        attempts: record.attempts,
        at: record.timeline.current,
      })
    }
    return calls
  }
}
