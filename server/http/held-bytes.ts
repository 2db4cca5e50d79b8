import { getHeapStatistics } from 'node:v8'
import { type Failure, fail } from '../core/result.ts'

const MIB = 1024 * 1024
/** What a request without a body holds: its headers, what is known of it, and a small answer. */
const BASE_BYTES = 16 * 1024
/** A body is held as bytes, as text and as what was parsed of it; an answer as rows, as records and as text. */
const COPIES = 3
/** What is larger may only use a part of the room, so that small calls get through beside large ones. */
const LARGE_BYTES = 64 * 1024
const LARGE_PART = 0.75

/** What a page holds while it is made, of two MiB in the database: rows, records, and their text. */
const PAGE_BYTES = 12 * MIB
const MIN_PAGES = 4

/** What one request holds. */
interface Lease {
  bytes: number
}

/**
 * Bounds what all requests of a server hold together: bodies that arrive, answers that are made, and answers that wait
 * for their readers. What has no room is refused before it holds anything.
 */
export class HeldBytes {
  readonly #most: number
  /** No WeakMap: the collector looks at each of its entries in every run, and each of these is released anyway. */
  readonly #leases = new Map<object, Lease>()
  #held = 0

  /** @param most in bytes */
  constructor(most: number = defaultHeldBytes()) {
    this.#most = most
  }

  /** How many pages may be made at once, besides what is held. */
  get pages(): number {
    return Math.max(MIN_PAGES, Math.floor(this.#most / PAGE_BYTES))
  }

  /** What is held now, in bytes. */
  get held(): number {
    return this.#held
  }

  /** How much of the room is taken, from 0 to 1. */
  get fullness(): number {
    return this.#held / this.#most
  }

  /**
   * Takes the room for a request and its body; false when there is none.
   *
   * @param holder what it is released by; undefined for a request that no one releases, which holds nothing
   * @param bodyBytes what is read of its body at most
   */
  admit(holder: object | undefined, bodyBytes: number): boolean {
    if (!holder) return true
    const bytes = BASE_BYTES + bodyBytes * COPIES
    if (!this.#fits(bytes, bodyBytes)) return false
    this.#leases.set(holder, { bytes })
    this.#held += bytes
    return true
  }

  /**
   * Notes the answer of a request, which takes the place of its body.
   *
   * @returns false where a call that only reads has no room for it: then it is refused, and nothing is held for it.
   * What was done cannot be unsaid: of a call that writes, the answer is noted in any case.
   */
  answer(holder: object | undefined, bytes: number, isRead: boolean): boolean {
    const lease = holder && this.#leases.get(holder)
    if (!lease) return true
    this.#held -= lease.bytes
    const needed = BASE_BYTES + bytes * COPIES
    const isSent = !isRead || this.#fits(needed, bytes)
    lease.bytes = isSent ? needed : BASE_BYTES
    this.#held += lease.bytes
    return isSent
  }

  /** Takes more room for a request, or gives some back when it is negative; false, and nothing is taken, without it. */
  reserve(holder: object | undefined, bytes: number): boolean {
    const lease = holder && this.#leases.get(holder)
    if (!lease) return true
    if (bytes > 0 && !this.#fits(bytes, bytes)) return false
    lease.bytes += bytes
    this.#held += bytes
    return true
  }

  /** What the answer of a request holds, in bytes. */
  heldBy(holder: object): number {
    return this.#leases.get(holder)?.bytes ?? 0
  }

  /** Gives back what a request holds, once it is over. May be called again. */
  release(holder: object): void {
    const lease = this.#leases.get(holder)
    if (!lease) return
    this.#leases.delete(holder)
    this.#held -= lease.bytes
  }

  #fits(bytes: number, of: number): boolean {
    const most = of > LARGE_BYTES ? this.#most * LARGE_PART : this.#most
    return this.#held + bytes <= most
  }
}

/** A quarter of what the heap may grow to, from 16 to 256 MiB. */
function defaultHeldBytes(): number {
  return Math.min(256 * MIB, Math.max(16 * MIB, getHeapStatistics().heap_size_limit / 4))
}

const RETRY_AFTER_SECONDS = 2

/** What a request without room is answered. */
export function overloaded(): Failure {
  return fail(
    'SERVICE_UNAVAILABLE',
    'The server holds as many requests and unread answers as it has room for; try again shortly, or ask for less.',
    { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } },
  )
}

const PAGE_WAIT_MS = 10_000

interface Waiter {
  readonly weight: number
  readonly resolve: (isIn: boolean) => void
  readonly timer: NodeJS.Timeout
}

/**
 * Bounds how many pages are made at once: until its text is written, a page is rows and records as well. Requests wait
 * for their slots in the order in which they came, and hold nothing meanwhile.
 */
export class PageSlots {
  readonly #slots: number
  readonly #waiting: Waiter[] = []
  #taken = 0

  constructor(slots: number) {
    this.#slots = slots
  }

  /**
   * Takes a slot for each page of a request, or all there are.
   *
   * @returns what gives them back, to be called once; undefined when they did not become free in 10 s.
   */
  async take(pages: number): Promise<(() => void) | undefined> {
    const weight = Math.min(pages, this.#slots)
    if (this.#waiting.length > 0 || this.#taken + weight > this.#slots) {
      if (!(await this.#wait(weight))) return undefined
    } else this.#taken += weight
    return () => this.#giveBack(weight)
  }

  #wait(weight: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        resolve(false)
        this.#admit()
      }, PAGE_WAIT_MS)
      const waiter: Waiter = { weight, resolve, timer }
      this.#waiting.push(waiter)
    })
  }

  #giveBack(weight: number): void {
    this.#taken -= weight
    this.#admit()
  }

  #admit(): void {
    for (
      let next = this.#waiting[0];
      next && this.#taken + next.weight <= this.#slots;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift()
      clearTimeout(next.timer)
      this.#taken += next.weight
      next.resolve(true)
    }
  }
}
