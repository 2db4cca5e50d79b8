import { FairQueue } from '../core/fair-queue.ts'
import type { ReadToolRuntime } from '../tools/tool-runtime.ts'
import type { LiveGroup, LiveGroups } from './groups.ts'
import { LiveAnswer } from './live-query.ts'
import type { LiveStream } from './live-stream.ts'
import { Sendings } from './sendings.ts'

export interface ApartRunsOptions {
  readonly groups: LiveGroups
  readonly reads: ReadToolRuntime
  /** Ends the streams of those who may not read any more. @returns whether it could be found out */
  admits(streams: Iterable<LiveStream>): Promise<boolean>
  /** Between the beginnings of two runs of one query at least, in milliseconds. */
  readonly everyMs: number
  /** Says why streams end whose query has thrown this. */
  onError(error: unknown): 'refused' | 'failed'
  /** Told when a run has ended, and others may be due. */
  onEnd(): void
}

/** How many are run side by side: calls need connections too. */
const RUNS_AT_ONCE = 4
/** How many of them one caller has while others wait. */
const RUNS_OF_ONE = 2
/** How long it is until what could not be answered is run again; twice as long each time… */
const RETRY_MS = 1_000
/** …up to this. */
const MAX_RETRY_MS = 30_000

/**
 * Runs queries that may take long, beside the rounds and beside each other: those of a caller in turn with those of others.
 * Runs of one query never overlap, and the next one begins no sooner after the last one than that took.
 */
export class ApartRuns {
  readonly #options: ApartRunsOptions
  readonly #waiting = new FairQueue<LiveGroup>()
  /** How many runs each caller has under way. */
  readonly #running = new Map<string, number>()
  readonly #failures = new WeakMap<LiveGroup, number>()
  readonly #sendings: Sendings
  #count = 0

  constructor(options: ApartRunsOptions) {
    this.#options = options
    this.#sendings = new Sendings({ admits: options.admits, onUnknown: (group) => this.#sendLater(group) })
  }

  /** Runs the query of a group as soon as there is room. */
  begin(group: LiveGroup, holder: string): void {
    this.#options.groups.begin(group)
    this.#waiting.push(holder, group)
    this.#next()
  }

  #next(): void {
    while (this.#count < RUNS_AT_ONCE) {
      const group = this.#waiting.shift((holder) => (this.#running.get(holder) ?? 0) < RUNS_OF_ONE)
      if (!group) return
      void this.#run(group, group.plan.holder ?? '')
    }
  }

  async #run(group: LiveGroup, holder: string): Promise<void> {
    this.#count += 1
    this.#running.set(holder, (this.#running.get(holder) ?? 0) + 1)
    const { groups, everyMs, onEnd } = this.#options
    // What was changed while it waited is in what it reads.
    groups.begin(group)
    const beganMs = performance.now()
    try {
      if (group.streams.size > 0) await this.#answer(group)
    } finally {
      const endedMs = performance.now()
      const nextMs = Math.max(beganMs + everyMs, endedMs + (endedMs - beganMs))
      group.notBeforeMs = Math.max(group.notBeforeMs, nextMs)
      groups.end(group)
      this.#leave(holder)
      this.#next()
      onEnd()
    }
  }

  async #answer(group: LiveGroup): Promise<void> {
    try {
      const answer = await group.plan.run(this.#options.reads)
      if (!answer.success) return this.#putOff(group)
      this.#failures.delete(group)
      this.#sendings.add(group, new LiveAnswer(answer.data))
    } catch (error) {
      const reason = this.#options.onError(error)
      for (const stream of [...group.streams]) stream.end(reason)
    }
  }

  #putOff(group: LiveGroup): void {
    const failures = this.#failures.get(group) ?? 0
    this.#failures.set(group, failures + 1)
    group.isDirty = true
    group.notBeforeMs = performance.now() + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures)
  }

  #sendLater(group: LiveGroup): void {
    this.#putOff(group)
    this.#options.onEnd()
  }

  #leave(holder: string): void {
    this.#count -= 1
    const left = (this.#running.get(holder) ?? 1) - 1
    if (left > 0) this.#running.set(holder, left)
    else this.#running.delete(holder)
  }
}
