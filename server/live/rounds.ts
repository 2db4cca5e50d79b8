import { TRPCError } from '@trpc/server'
import type { Logger } from 'pino'
import type { ErrorReports } from '../core/error-reports.ts'
import type { Failure } from '../core/result.ts'
import { UnexpectedError } from '../invocation/failures.ts'
import type { ReadToolRuntime } from '../tools/tool-runtime.ts'
import { ApartRuns } from './apart-runs.ts'
import type { LiveGroup, LiveGroups } from './groups.ts'
import { LiveAnswer } from './live-query.ts'
import type { LiveStream } from './live-stream.ts'
import { Sendings } from './sendings.ts'

export interface RoundsOptions {
  readonly groups: LiveGroups
  readonly streams: ReadonlySet<LiveStream>
  readonly reads: ReadToolRuntime
  /** Ends the streams of those who may not read any more. @returns whether it could be found out */
  admits(streams: Iterable<LiveStream>): Promise<boolean>
  /** Between two rounds at least, in milliseconds. */
  readonly everyMs: number
  readonly errorReports: ErrorReports
  readonly log: Logger
}

/** How many queries are run side by side: calls need connections too. */
const RUNS_AT_ONCE = 4
/** A round that takes long is followed by a longer pause: of the time, rounds take no more than this part. */
const BUSY_PART = 0.3
/** How long it is until what could not be read is read again. */
const RETRY_MS = 1_000

/** Runs the queries of all groups whose answer may be another one, in rounds that never overlap, and sends what is new. */
export class Rounds {
  readonly #options: RoundsOptions
  readonly #apart: ApartRuns
  #timer: NodeJS.Timeout | undefined
  #isRunning = false
  #nextMs = 0
  #isCheckDue = false

  constructor(options: RoundsOptions) {
    this.#options = options
    this.#apart = new ApartRuns({
      ...options,
      onError: (error) => this.#failed(error),
      onEnd: () => this.schedule(),
    })
  }

  /** Looks soon who may still read, whatever has changed. */
  check(): void {
    this.#isCheckDue = true
    this.schedule()
  }

  /** Plans the next round, where there is anything to do and none is planned. */
  schedule(): void {
    const { groups, streams } = this.#options
    if (this.#timer || this.#isRunning || streams.size === 0) return
    const nextMs = this.#isCheckDue ? 0 : groups.nextMs
    if (nextMs === undefined) return
    const waitMs = Math.max(this.#nextMs, nextMs) - performance.now()
    this.#timer = setTimeout(() => void this.#run(), waitMs)
    this.#timer.unref()
  }

  /** Forgets the round that is planned. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #run(): Promise<void> {
    this.#timer = undefined
    this.#isRunning = true
    const beganMs = performance.now()
    try {
      if (this.#isCheckDue) await this.#check()
      await this.#serve(this.#options.groups.takeDue(beganMs))
    } finally {
      this.#isRunning = false
      const tookMs = performance.now() - beganMs
      this.#nextMs = beganMs + Math.max(this.#options.everyMs, tookMs / BUSY_PART)
      this.schedule()
    }
  }

  async #check(): Promise<void> {
    this.#isCheckDue = false
    // Where it cannot be found out, nothing is sent either, and it is looked again soon.
    await this.#options.admits(this.#options.streams)
  }

  async #serve(due: readonly LiveGroup[]): Promise<void> {
    const left = due.filter((group) => {
      const { holder } = group.plan
      if (holder !== undefined) this.#apart.begin(group, holder)
      return holder === undefined
    })
    const sendings = new Sendings({ admits: this.#options.admits, onUnknown: putOff })
    const runAll = async () => {
      for (let group = left.shift(); group; group = left.shift()) {
        const answer = await this.#answerOf(group)
        if (answer) sendings.add(group, answer)
      }
    }
    await Promise.all(Array.from({ length: RUNS_AT_ONCE }, runAll))
    await sendings.sent
  }

  /** Runs the query of a group; undefined where there is nothing to send. */
  async #answerOf(group: LiveGroup): Promise<LiveAnswer | undefined> {
    const { groups, reads } = this.#options
    try {
      groups.rekey(group)
      const [any] = group.streams
      if (!any) return undefined
      if (any.query.everyMs !== undefined) group.notBeforeMs = performance.now() + any.query.everyMs
      const answer = await group.plan.run(reads)
      if (answer.success) return new LiveAnswer(answer.data)
      if (isFinal(answer)) for (const stream of [...group.streams]) stream.end('refused')
      else putOff(group)
    } catch (error) {
      this.#failed(error)
      putOff(group)
    }
    return undefined
  }

  /** Says what was thrown, unless it is a refusal. */
  #failed(error: unknown): 'refused' | 'failed' {
    if (error instanceof TRPCError && error.code !== 'INTERNAL_SERVER_ERROR') return 'refused'
    const { errorReports, log } = this.#options
    const isLogged = error instanceof UnexpectedError
    errorReports.report(isLogged ? (error.cause ?? error) : error, { kind: 'server' })
    if (!isLogged) log.error({ err: error }, 'A live query failed with an unexpected error')
    return 'failed'
  }
}

/** What could not be read, or not be sent, is tried again a little later. */
function putOff(group: LiveGroup): void {
  group.isDirty = true
  group.notBeforeMs = performance.now() + RETRY_MS
}

/** Whether a query would be refused again: not where the database is away, or busy. */
function isFinal({ code }: Failure): boolean {
  return code === 'FORBIDDEN' || code === 'BAD_REQUEST' || code === 'NOT_FOUND' || code === 'UNAUTHORIZED'
}
