import type { RuleActor } from '../../drizzle/engine/access.ts'
import type { Caller, StoredRole } from '../records/caller.ts'
import type { LiveAnswer, LivePlan, LiveQuery } from './live-query.ts'
import type { Seat } from './seats.ts'

/** Why a server ends a stream. Its client opens another one, which is answered as any call is. */
export type LiveEndReason = keyof typeof LIVE_ENDS

export const LIVE_ENDS = {
  expired: 'The token has expired; open the stream again with a fresh one.',
  role: 'The role of the caller has changed; open the stream again.',
  blocked: 'This user is blocked.',
  refused: 'What is shown may not be read any more.',
  failed: 'The query has failed; open the stream again.',
  overloaded: 'The server has no room for what was not read; open the stream again.',
  stopping: 'The server stops; open the stream again.',
} as const

/** What takes the answers of one stream. */
export interface LiveOutlet {
  /** Whether it takes another answer now. Otherwise it calls the `onReady` of its stream once it does. */
  readonly isReady: boolean
  send(answer: LiveAnswer): void
  /** Says that the stream is still there. */
  ping(): void
  end(reason: LiveEndReason): void
}

/** What a stream tells its hub. */
export interface StreamHub {
  add(stream: LiveStream): void
  remove(stream: LiveStream): void
  /** The reader has taken what was sent: there may be a newer answer. */
  refresh(stream: LiveStream): void
}

export interface OpenedStream {
  readonly hub: StreamHub
  readonly query: LiveQuery
  readonly userId: string | undefined
  readonly caller: Pick<Caller, 'actorWith' | 'rowUserId'>
  readonly storedRole: StoredRole
  readonly ruleActor: RuleActor
  readonly plan: LivePlan
  readonly expiresAtMs: number
  readonly first: LiveAnswer
  /** How much the hub had heard of when the first answer was read. */
  readonly readAt: number
  readonly seat: Seat
}

/** The stream of one caller. It begins when its outlet is attached, and may be closed before. */
export class LiveStream {
  readonly query: LiveQuery
  readonly userId: string | undefined
  readonly caller: OpenedStream['caller']
  readonly expiresAtMs: number
  readonly readAt: number
  ruleActor: RuleActor
  storedRole: StoredRole
  plan: LivePlan
  /** The answer that its reader has, or is being sent. */
  sentId: string | undefined
  readonly #hub: StreamHub
  readonly #seat: Seat
  #first: LiveAnswer | undefined
  #outlet: LiveOutlet | undefined
  #expiry: NodeJS.Timeout | undefined
  /** Whether there was an answer that was not sent. */
  #isBehind = false
  #isEnded = false

  constructor(opened: OpenedStream) {
    this.query = opened.query
    this.userId = opened.userId
    this.caller = opened.caller
    this.expiresAtMs = opened.expiresAtMs
    this.readAt = opened.readAt
    this.ruleActor = opened.ruleActor
    this.storedRole = opened.storedRole
    this.plan = opened.plan
    this.#hub = opened.hub
    this.#seat = opened.seat
    this.#first = opened.first
  }

  get isReady(): boolean {
    return this.#outlet?.isReady === true
  }

  /** Whether an answer is to be sent: not where its reader has it, or has not taken the one before. */
  wants({ id }: LiveAnswer): boolean {
    if (this.sentId === id) return false
    if (!this.isReady) this.#isBehind = true
    return this.isReady
  }

  /** The first answer, until it is sent. */
  get first(): LiveAnswer | undefined {
    return this.#first
  }

  /** Begins: sends the first answer, unless it is the one that the reader has already. */
  attach(outlet: LiveOutlet, lastId?: string): void {
    const first = this.#first
    if (this.#isEnded || this.#outlet || !first) throw new Error('A stream has one outlet')
    this.#outlet = outlet
    this.#first = undefined
    this.sentId = lastId
    this.#hub.add(this)
    this.send(first)
  }

  /** Sends an answer, unless the reader has it, or has not taken the one before. */
  send(answer: LiveAnswer): void {
    const outlet = this.#outlet
    if (this.#isEnded || !outlet || !this.wants(answer)) return
    this.sentId = answer.id
    outlet.send(answer)
  }

  ping(): void {
    if (this.isReady) this.#outlet?.ping()
  }

  /** To be called when the outlet takes answers again. */
  onReady(): void {
    if (this.#isEnded || !this.#isBehind) return
    this.#isBehind = false
    this.#hub.refresh(this)
  }

  /** Ends it when its caller's token does. */
  expireAfter(leftMs: number): void {
    this.#expiry = setTimeout(() => this.end('expired'), leftMs)
    this.#expiry.unref()
  }

  /** Ends it, and says why. */
  end(reason: LiveEndReason): void {
    const outlet = this.#outlet
    if (this.close()) outlet?.end(reason)
  }

  /** Forgets it: its reader has gone, or never came. @returns whether it was there still */
  close(): boolean {
    if (this.#isEnded) return false
    this.#isEnded = true
    this.#first = undefined
    clearTimeout(this.#expiry)
    this.#seat.leave()
    if (this.#outlet) this.#hub.remove(this)
    this.#outlet = undefined
    return true
  }
}
