import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { addressKey } from '../auth/client-address.ts'
import type { LimitedCaller } from '../limits/limiter.ts'
import type { HttpAnswer } from './exchange.ts'

/** How refusals are held back. */
export interface RefusalPace {
  /** The pace of all refusals. @default 200 at once, then 500 in a second */
  readonly all?: Pace
  /** The pace of one caller's. @default 20 at once, then 50 in a second */
  readonly ofOne?: Pace
  /** How long one is held at most, in milliseconds. @default 2000 */
  readonly maxDelayMs?: number
}

export interface RefusalPacerOptions extends RefusalPace {
  /** Whether the server stops, where nothing is held. @default it does not */
  readonly isStopping?: () => boolean
  /** The time, in milliseconds. @default the machine's */
  readonly now?: () => number
}

export interface Pace {
  /** How many are sent at once, after a time without any. */
  readonly burst: number
  /** How many are sent in a second after that. */
  readonly perSecond: number
}

const PACE: Pace = { burst: 200, perSecond: 500 }
const PACE_OF_ONE: Pace = { burst: 20, perSecond: 50 }
const MAX_DELAY_MS = 2_000
/** Beyond it, those who were refused longest ago are forgotten. */
const MAX_CALLERS = 5_000

/**
 * Holds refusals back for a moment, once there are many: a client that sends its next call as soon as one is refused
 * would otherwise keep the server busy with refusing.
 */
export class RefusalPacer {
  readonly #all: Pace
  readonly #ofOne: Pace
  readonly #maxDelayMs: number
  readonly #isStopping: () => boolean
  readonly #now: () => number
  /** When the next one would be sent, were all sent at the pace. */
  #nextAt = Number.NEGATIVE_INFINITY
  /** The same, of each caller. */
  readonly #nextAtOf = new LRUCache<string, number>({ max: MAX_CALLERS })

  constructor(options: RefusalPacerOptions = {}) {
    this.#all = options.all ?? PACE
    this.#ofOne = options.ofOne ?? PACE_OF_ONE
    this.#maxDelayMs = options.maxDelayMs ?? MAX_DELAY_MS
    this.#isStopping = options.isStopping ?? (() => false)
    this.#now = options.now ?? (() => performance.now())
  }

  /** Gives an answer when it is to be sent: a refusal later, where there are too many of them. */
  paced(answer: HttpAnswer, caller?: LimitedCaller | undefined): HttpAnswer | Promise<HttpAnswer> {
    if (!isRefusal(answer) || this.#isStopping()) return answer
    const delayMs = this.nextDelayMs(caller)
    return delayMs > 0 ? sleep(delayMs, answer) : answer
  }

  /** How long the next refusal is held, in milliseconds. @param caller whose it is, where that is known */
  nextDelayMs(caller?: LimitedCaller | undefined): number {
    const now = this.#now()
    const ownMs = caller === undefined ? 0 : this.#delayOfOne(caller, now)
    const at = startOf(this.#nextAt, this.#all, now)
    this.#nextAt = this.#after(at, this.#all, now)
    return Math.max(ownMs, this.#delayUntil(at, now))
  }

  #delayOfOne({ userId, address }: LimitedCaller, now: number): number {
    const key =
      userId === undefined
        ? `address ${address === undefined ? 'unknown' : addressKey(address)}`
        : `user ${userId}`
    const at = startOf(this.#nextAtOf.get(key), this.#ofOne, now)
    this.#nextAtOf.set(key, this.#after(at, this.#ofOne, now))
    return this.#delayUntil(at, now)
  }

  #delayUntil(at: number, now: number): number {
    return Math.min(this.#maxDelayMs, Math.max(0, at - now))
  }

  /** No further ahead than it holds any: else it would go on holding long after the last. */
  #after(at: number, { perSecond }: Pace, now: number): number {
    return Math.min(at, now + this.#maxDelayMs) + 1_000 / perSecond
  }
}

function startOf(nextAt = Number.NEGATIVE_INFINITY, { burst, perSecond }: Pace, now: number): number {
  return Math.max(nextAt, now - (burst * 1_000) / perSecond)
}

/** Whether an answer says that there is too much to do, and when to come again. */
export function isRefusal({ status, headers }: HttpAnswer): boolean {
  return (status === 429 || status === 503) && headers['retry-after'] !== undefined
}
