import { type Failure, fail } from '../core/result.ts'

/** How many streams there may be at once. */
export interface LiveLimits {
  /** Of one user. */
  readonly perUser: number
  /** Of one address, by callers without a token. */
  readonly perAddress: number
  /** Of all of them, on one server. */
  readonly perServer: number
}

export const DEFAULT_LIVE_LIMITS: LiveLimits = { perUser: 20, perAddress: 50, perServer: 2_000 }

/** Whose streams are counted together; undefined for the owner's. */
export type SeatHolder =
  | { readonly kind: 'user'; readonly name: string }
  | { readonly kind: 'address'; readonly name: string }
  | undefined

/** The place of one stream, to be left once. */
export interface Seat {
  leave(): void
}

const RETRY_AFTER_SECONDS = 5

/** Counts the streams of a server, and of each of their callers. */
export class Seats {
  readonly #limits: LiveLimits
  readonly #taken = new Map<string, number>()
  #count = 0

  constructor(limits: LiveLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#count
  }

  /** Takes a place, or says why there is none. */
  take(holder: SeatHolder): Seat | Failure {
    const { perServer, perUser, perAddress } = this.#limits
    if (this.#count >= perServer)
      return fail(
        'SERVICE_UNAVAILABLE',
        `This server has ${perServer} streams, and no room for another one.`,
        {
          details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
        },
      )
    const key = holder && `${holder.kind}:${holder.name}`
    const most = holder?.kind === 'user' ? perUser : perAddress
    const taken = key === undefined ? 0 : (this.#taken.get(key) ?? 0)
    if (key !== undefined && taken >= most) {
      const whose = holder?.kind === 'user' ? 'You have' : 'Your address has'
      return fail('TOO_MANY_REQUESTS', `${whose} ${most} streams open; close one of them before another.`, {
        details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
      })
    }
    this.#count += 1
    if (key !== undefined) this.#taken.set(key, taken + 1)
    return { leave: () => this.#leave(key) }
  }

  #leave(key: string | undefined): void {
    this.#count -= 1
    if (key === undefined) return
    const left = (this.#taken.get(key) ?? 0) - 1
    if (left > 0) this.#taken.set(key, left)
    else this.#taken.delete(key)
  }
}
