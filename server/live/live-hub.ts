import { type Actor, callingUserId } from '../auth/actor.ts'
import { addressKey } from '../auth/client-address.ts'
import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import type { ChangedCollections } from '../invocation/changes.ts'
import type { Engine } from '../invocation/engine.ts'
import { Caller } from '../records/caller.ts'
import type { ReadToolRuntime } from '../tools/tool-runtime.ts'
import { admit } from './admission.ts'
import { createCascades, type WithCascades } from './cascades.ts'
import { LiveGroups } from './groups.ts'
import { LiveAnswer, type LiveQuery } from './live-query.ts'
import { LiveStream, type StreamHub } from './live-stream.ts'
import { Rounds } from './rounds.ts'
import { DEFAULT_LIVE_LIMITS, type LiveLimits, type SeatHolder, Seats } from './seats.ts'

export type LiveEngine = Pick<
  Engine,
  | 'blockedUsers'
  | 'catalog'
  | 'changes'
  | 'clock'
  | 'errorReports'
  | 'log'
  | 'ownerUserId'
  | 'policies'
  | 'roleClaim'
  | 'roles'
>

export interface LiveHubOptions {
  readonly engine: LiveEngine
  /** What the hub reads by, outside of any call. */
  readonly reads: ReadToolRuntime
  /** @default DEFAULT_LIVE_LIMITS */
  readonly limits?: Partial<LiveLimits> | undefined
  readonly pace?: LivePace | undefined
}

/** How often a hub does something, in milliseconds. */
export interface LivePace {
  /** Between two rounds at least: a record that changes all the time is pushed so often. @default 100 */
  readonly roundEveryMs?: number
  /** Between two looks at who may still read. @default 5000 */
  readonly checkEveryMs?: number
  /** Between two looks whether there is anything that no one told. @default 30000 */
  readonly lookEveryMs?: number
  /** Between two signs of life. @default 15000 */
  readonly pingEveryMs?: number
}

export interface LiveOpening {
  readonly actor: Actor
  /** Where the caller's request came from. */
  readonly address: string | undefined
  readonly query: LiveQuery
}

/** What opens streams. */
export type OpenStreams = Pick<LiveHub, 'counts' | 'open'>

/** For a router that is described, and never called. */
export const NO_STREAMS: OpenStreams = {
  counts: { streams: 0, queries: 0 },
  open: async () => stopping(),
}

const ROUND_EVERY_MS = 100
const CHECK_EVERY_MS = 5_000
const LOOK_EVERY_MS = 30_000
const PING_EVERY_MS = 15_000
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * The streams of one server. After each change that may concern them it runs their queries again, once for all who are
 * answered the same, and sends each of them the newest answer where it is another one than they have. Before it is sent, it
 * is looked up that the caller may still read it: after it was read, so that a role that was taken away meanwhile counts.
 */
export class LiveHub implements StreamHub {
  readonly #options: LiveHubOptions
  readonly #pace: Required<LivePace>
  readonly #withCascades: WithCascades
  readonly #seats: Seats
  readonly #streams = new Set<LiveStream>()
  readonly #groups = new LiveGroups()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #rounds: Rounds
  #changes = 0
  #isStopped = false

  constructor(options: LiveHubOptions) {
    this.#options = options
    this.#pace = {
      roundEveryMs: ROUND_EVERY_MS,
      checkEveryMs: CHECK_EVERY_MS,
      lookEveryMs: LOOK_EVERY_MS,
      pingEveryMs: PING_EVERY_MS,
      ...options.pace,
    }
    this.#withCascades = createCascades(options.engine.catalog)
    this.#seats = new Seats({ ...DEFAULT_LIVE_LIMITS, ...options.limits })
    const { engine, reads } = options
    this.#rounds = new Rounds({
      groups: this.#groups,
      streams: this.#streams,
      reads,
      admits: (streams) => this.#admits(streams),
      everyMs: this.#pace.roundEveryMs,
      errorReports: engine.errorReports,
      log: engine.log,
    })
    engine.changes.onChange((collections) => this.changed(collections))
  }

  /** How many streams there are, and how many queries they share. */
  get counts(): { readonly streams: number; readonly queries: number } {
    return { streams: this.#seats.count, queries: this.#groups.count }
  }

  /** Opens a stream: reads what it shows first. Its taker attaches an outlet to it, or closes it. */
  async open({ actor, address, query }: LiveOpening): Promise<ActionResult<LiveStream>> {
    if (this.#isStopped) return stopping()
    const { engine, reads } = this.#options
    const seat = this.#seats.take(holderOf(actor, address, engine.ownerUserId))
    if ('success' in seat) return seat
    try {
      const caller = new Caller(reads, withoutToken(actor, engine.roleClaim), engine)
      const role = await reads.call({ tool: 'role' }, async () => ok(await caller.storedRole()))
      const storedRole = role.success ? role.data : null
      const ruleActor = caller.actorWith(storedRole)
      const readAt = this.#changes
      const plan = query.planFor(ruleActor)
      const answer = role.success ? await plan.run(reads) : role
      if (!answer.success) {
        seat.leave()
        return answer
      }
      const first = new LiveAnswer(answer.data)
      const userId = actor.kind === 'user' ? actor.userId : undefined
      const expiresAtMs = expiryOf(actor)
      return ok(
        new LiveStream({
          ...{ hub: this, query, userId, caller, storedRole, ruleActor },
          ...{ plan, expiresAtMs, first, readAt, seat },
        }),
      )
    } catch (error) {
      seat.leave()
      throw error
    }
  }

  /** Notes what was written, by this server or another one; `all` where something may have been missed. */
  changed(written: ChangedCollections): void {
    this.#changes += 1
    if (this.#streams.size === 0) return
    const collections = this.#withCascades(written)
    const concerns = this.#groups.change(collections)
    if (collections === 'all' || collections.has('users')) this.#rounds.check()
    else if (concerns) this.#rounds.schedule()
  }

  /** Ends all streams, and opens none any more. */
  stop(): void {
    this.#isStopped = true
    for (const stream of [...this.#streams]) stream.end('stopping')
  }

  add(stream: LiveStream): void {
    this.#streams.add(stream)
    // What was written since it was read may not be in it.
    this.#groups.add(stream, stream.readAt !== this.#changes)
    if (this.#streams.size === 1) this.#startTimers()
    if (this.#isStopped) setImmediate(() => stream.end('stopping'))
    this.#endAtExpiry(stream)
    this.#rounds.schedule()
  }

  remove(stream: LiveStream): void {
    this.#streams.delete(stream)
    this.#groups.remove(stream)
    if (this.#streams.size > 0) return
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers.clear()
    this.#rounds.stop()
  }

  refresh(stream: LiveStream): void {
    this.#groups.touch(stream)
    this.#rounds.schedule()
  }

  #startTimers(): void {
    const every = (ms: number, run: () => void) => {
      const timer = setInterval(run, ms)
      timer.unref()
      this.#timers.add(timer)
    }
    every(this.#pace.lookEveryMs, () => this.changed('all'))
    every(this.#pace.checkEveryMs, () => this.#rounds.check())
    every(this.#pace.pingEveryMs, () => {
      for (const stream of this.#streams) stream.ping()
    })
  }

  #endAtExpiry(stream: LiveStream): void {
    const leftMs = stream.expiresAtMs - this.#options.engine.clock().getTime()
    // What is later than a timer can be is found when it is looked who may still read.
    if (leftMs <= MAX_TIMER_MS) stream.expireAfter(Math.max(0, leftMs))
  }

  async #admits(streams: Iterable<LiveStream>): Promise<boolean> {
    const { engine, reads } = this.#options
    try {
      return await admit(streams, { reads, blockedUsers: engine.blockedUsers, clock: engine.clock })
    } catch (error) {
      engine.log.warn({ err: error }, 'It could not be read who may still read live queries')
      return false
    }
  }
}

function stopping(): Failure {
  return fail('SERVICE_UNAVAILABLE', 'The server stops; open the stream again.', {
    details: { retryAfterSeconds: 1 },
  })
}

function holderOf(actor: Actor, address: string | undefined, ownerUserId: string | undefined): SeatHolder {
  const userId = callingUserId(actor)
  if (userId !== undefined) return userId === ownerUserId ? undefined : { kind: 'user', name: userId }
  return { kind: 'address', name: address === undefined ? 'unknown' : addressKey(address) }
}

/** A stream lasts long, and needs of its caller no more than who they are. */
function withoutToken(actor: Actor, roleClaim: string | undefined): Actor {
  if (actor.kind === 'anonymous') return actor
  const { kind, userId, claims } = actor
  return { kind, userId, claims: roleClaim === undefined ? { sub: userId } : claims, token: undefined }
}

function expiryOf(actor: Actor): number {
  const exp = actor.kind === 'user' ? (actor.actedBy?.expiresAtSeconds ?? actor.claims.exp) : undefined
  return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1_000
}
