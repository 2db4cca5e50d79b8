import { type ActionResult, type Failure, ok } from '../core/result.ts'
import { ReadCollections } from '../invocation/changes.ts'
import type { LivePlan, LiveQuery } from './live-query.ts'

/** Runs an action, and notes what it reads. */
export type RunAction = (reads: ReadCollections) => Promise<ActionResult<unknown>>

export interface LiveActionOptions {
  /** Names the action, the input, and the caller with their token: an action may look at all of that. */
  readonly key: string
  /** The caller, who takes turns with others. */
  readonly holder: string
  /** The run of the call that opens the stream. */
  readonly first: RunAction
  /** A run that no call asks for. @throws what the caller may no longer call it for, and what no one expected */
  readonly again: RunAction
}

/**
 * A query that shows what an action answers, a failure included: that nothing is there is an answer too. A failure that
 * may pass by itself is none.
 */
export class LiveActionQuery implements LiveQuery, LivePlan {
  readonly key: string
  readonly holder: string
  readonly isVolatile = false
  reads: LivePlan['reads'] = 'all'
  readonly #again: RunAction
  /** Forgotten once it was run: it holds on to its call. */
  #first: RunAction | undefined

  constructor({ key, holder, first, again }: LiveActionOptions) {
    this.key = key
    this.holder = holder
    this.#first = first
    this.#again = again
  }

  planFor(): LivePlan {
    return this
  }

  async run(): Promise<ActionResult<unknown>> {
    const run = this.#first ?? this.#again
    this.#first = undefined
    const reads = new ReadCollections()
    try {
      const result = await run(reads)
      return result.success || !mayPass(result) ? ok(result) : result
    } finally {
      this.reads = reads.collections
    }
  }
}

/** Whether a failure is no answer: the same call may be answered a little later. */
export function mayPass({ code, details }: Failure): boolean {
  return (
    code === 'SERVICE_UNAVAILABLE' || code === 'GATEWAY_TIMEOUT' || details?.retryAfterSeconds !== undefined
  )
}
