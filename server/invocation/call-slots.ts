import { FairQueue } from '../core/fair-queue.ts'
import { type Failure, fail } from '../core/result.ts'

export interface CallSlotsOptions {
  /** How many connections there are to the database. */
  readonly connections: number
  /** The part that one caller may have of whatever calls use, from 0 to 1. @default DEFAULT_CALLER_SHARE */
  readonly callerShare?: number | undefined
  /** How many calls may wait to begin. @default 1000 */
  readonly maxWaiting?: number | undefined
  /** How many calls may wait for providers. @default 2000 */
  readonly maxSuspended?: number
  /** How long a call waits to begin, in milliseconds. @default 5000 */
  readonly maxWaitMs?: number
  /** Hears once a second how many calls were refused. */
  readonly onRefused?: (calls: number) => void
  /** The time, in milliseconds. @default the machine's */
  readonly now?: () => number
}

/** `paused` waits for its turn on a record, `suspended` for a provider. */
type SlotState = 'working' | 'paused' | 'suspended' | 'left'

export const DEFAULT_CALLER_SHARE = 0.5
/** Some of them compute, or wait for a statement that several share. */
const CALLS_OF_A_CONNECTION = 4
const MIN_WORKING = 16
const MAX_WAITING = 1_000
const MAX_SUSPENDED = 2_000
const MAX_WAIT_MS = 5_000
/** So many may wait for as long as that, however slow the server is… */
const USUAL_WAITING = 100
/** …and those behind them, where room becomes free fast enough. */
const MAX_EXPECTED_WAIT_MS = 1_000
/** Of the last time between two calls that began, in what is expected. */
const NEWEST_WEIGHT = 0.05
const RETRY_AFTER_SECONDS = 1
const TELL_INTERVAL_MS = 1_000

interface Waiter {
  readonly slot: CallSlot
  readonly holder: string
  readonly untilMs: number
  readonly answer: (entered: CallSlot | Failure) => void
}

interface Holder {
  working: number
  suspended: number
}

/**
 * Bounds how many calls of clients are at work at once, and how much of that one caller has. Calls beyond it wait, and
 * callers take turns, each with their oldest call. What would wait for too long is refused at once: under too much load
 * some calls are refused, instead of all being slow.
 */
export class CallSlots {
  readonly #maxWorking: number
  readonly #maxWorkingOfOne: number
  readonly #maxWaiting: number
  readonly #maxWaitingOfOne: number
  readonly #maxSuspended: number
  readonly #maxSuspendedOfOne: number
  readonly #maxWaitMs: number
  readonly #onRefused: (calls: number) => void
  readonly #now: () => number
  readonly #holders = new Map<string, Holder>()
  readonly #waiting = new FairQueue<Waiter>()
  /** The same, in the order in which they came: all wait equally long, and one timer is enough for them. */
  readonly #inOrder = new Set<Waiter>()
  #timer: NodeJS.Timeout | undefined
  /** Calls that have begun, and wait for room again. */
  readonly #continuing = new Map<CallSlot, () => void>()
  #working = 0
  #paused = 0
  #suspended = 0
  /** The usual time between two calls that come out of the queue, in milliseconds; 0 where none is known. */
  #intervalMs = 0
  /** When a call came out of the queue last; undefined where none was left in it. */
  #lastBegunAt: number | undefined
  #refused = 0

  constructor(options: CallSlotsOptions) {
    const { connections, callerShare = DEFAULT_CALLER_SHARE } = options
    const partOf = (all: number) => Math.max(1, Math.floor(all * callerShare))
    this.#maxWorking = Math.max(MIN_WORKING, connections * CALLS_OF_A_CONNECTION)
    // One who has all of them has all connections: so many calls as there are connections would be too many.
    this.#maxWorkingOfOne = callerShare < 1 ? Math.max(2, partOf(connections)) : this.#maxWorking
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING
    this.#maxWaitingOfOne = partOf(this.#maxWaiting)
    this.#maxSuspended = options.maxSuspended ?? MAX_SUSPENDED
    this.#maxSuspendedOfOne = partOf(this.#maxSuspended)
    this.#maxWaitMs = options.maxWaitMs ?? MAX_WAIT_MS
    this.#onRefused = options.onRefused ?? (() => {})
    this.#now = options.now ?? (() => performance.now())
  }

  /** How many calls of clients there are, those that wait included. */
  get inFlight(): number {
    return this.#working + this.#paused + this.#suspended + this.#waiting.size
  }

  /** How many calls of clients do what. */
  get counts() {
    return {
      working: this.#working,
      waiting: this.#waiting.size,
      waitingForTurns: this.#paused,
      suspended: this.#suspended,
    }
  }

  /**
   * Takes the room for a call, at once where there is any.
   *
   * @param holder whose part it is; undefined for the app's owner, who never waits and needs no part
   * @returns the failure of a call that is refused.
   */
  enter(holder: string | undefined): CallSlot | Failure | Promise<CallSlot | Failure> {
    const slot = new CallSlot(this, holder)
    if (holder === undefined || this.#hasRoom(holder)) {
      this.#count(slot, 1)
      return slot
    }
    const refusal = this.#refusalOf(holder)
    return refusal ? this.#noted(refusal) : this.#wait(slot, holder)
  }

  /** Changes what a call does. */
  move(slot: CallSlot, from: SlotState, to: SlotState): void {
    this.#change(slot, from, to)
    if (to === 'left') this.#resolveContinued(slot)
    this.#admit()
  }

  #change(slot: CallSlot, from: SlotState, to: SlotState): void {
    if (slot.state !== from) return
    this.#count(slot, -1)
    slot.state = to
    this.#count(slot, 1)
  }

  /** Lets others have the room of a call that waits for a provider. @returns why its caller may not have it wait */
  suspend(slot: CallSlot): Failure | undefined {
    const { holder } = slot
    if (holder !== undefined) {
      const own = this.#holders.get(holder)?.suspended ?? 0
      if (own >= this.#maxSuspendedOfOne) return this.#noted(tooManySuspended(this.#maxSuspendedOfOne))
      if (this.#suspended >= this.#maxSuspended) return this.#noted(tooManyCalls())
    }
    // One that waits for room again goes out once more instead.
    this.#resolveContinued(slot)
    this.move(slot, 'working', 'suspended')
    return undefined
  }

  /** Waits for room again, before calls that have not begun. Another suspension ends the wait. */
  continue(slot: CallSlot): Promise<void> | undefined {
    if (slot.state !== 'suspended') return undefined
    if (this.#working < this.#maxWorking) {
      this.move(slot, 'suspended', 'working')
      return undefined
    }
    return new Promise((resolve) => this.#continuing.set(slot, resolve))
  }

  #resolveContinued(slot: CallSlot): void {
    this.#continuing.get(slot)?.()
    this.#continuing.delete(slot)
  }

  #hasRoom(holder: string): boolean {
    return this.#working < this.#maxWorking && this.#mayWork(holder)
  }

  #mayWork(holder: string): boolean {
    return (this.#holders.get(holder)?.working ?? 0) < this.#maxWorkingOfOne
  }

  #count({ holder, state }: CallSlot, by: 1 | -1): void {
    if (state === 'working') this.#working += by
    else if (state === 'paused') this.#paused += by
    else if (state === 'suspended') this.#suspended += by
    else return
    if (holder === undefined) return
    const known = this.#holders.get(holder)
    const own = known ?? { working: 0, suspended: 0 }
    // One who waits for turns with many calls would keep others from these records.
    if (state === 'suspended') own.suspended += by
    else own.working += by
    if (own.working + own.suspended === 0) this.#holders.delete(holder)
    else if (!known) this.#holders.set(holder, own)
  }

  /** What keeps a call from waiting. */
  #refusalOf(holder: string): Failure | undefined {
    const { size } = this.#waiting
    const own = this.#waiting.sizeOf(holder)
    if (own >= this.#maxWaitingOfOne) return tooManyOfOne(this.#maxWorkingOfOne)
    const isSoon = size < USUAL_WAITING || (size + 1) * this.#intervalMs <= MAX_EXPECTED_WAIT_MS
    if (size < this.#maxWaiting && isSoon) return undefined
    // Who has the most calls that wait makes room for who has fewer.
    const newest = this.#waiting.popLongest(own + 1)
    if (!newest) return tooManyCalls()
    this.#answer(newest, this.#noted(tooManyCalls()))
    return undefined
  }

  #wait(slot: CallSlot, holder: string): Promise<CallSlot | Failure> {
    return new Promise((answer) => {
      const waiter: Waiter = { slot, holder, untilMs: this.#now() + this.#maxWaitMs, answer }
      this.#waiting.push(holder, waiter)
      this.#inOrder.add(waiter)
      this.#timer ??= setTimeout(() => this.#refuseLate(), this.#maxWaitMs)
    })
  }

  #answer(waiter: Waiter, entered: CallSlot | Failure): void {
    this.#inOrder.delete(waiter)
    if (this.#inOrder.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    waiter.answer(entered)
  }

  /** Refuses those who have waited for too long. */
  #refuseLate(): void {
    this.#timer = undefined
    const now = this.#now()
    for (const waiter of this.#inOrder) {
      const { holder, untilMs } = waiter
      if (untilMs > now) {
        this.#timer = setTimeout(() => this.#refuseLate(), untilMs - now)
        return
      }
      this.#waiting.remove(holder, waiter)
      const refusal = this.#mayWork(holder) ? tooManyCalls() : tooManyOfOne(this.#maxWorkingOfOne)
      this.#answer(waiter, this.#noted(refusal))
    }
  }

  /** Lets in those who wait, as far as there is room. */
  #admit(): void {
    if (this.#continuing.size + this.#waiting.size === 0) return
    while (this.#working < this.#maxWorking) {
      const [continued] = this.#continuing.keys()
      if (continued) {
        this.#resolveContinued(continued)
        this.#change(continued, 'suspended', 'working')
        continue
      }
      const waiter = this.#waiting.shift((holder) => this.#mayWork(holder))
      if (!waiter) return
      this.#noteBegin()
      this.#count(waiter.slot, 1)
      this.#answer(waiter, waiter.slot)
    }
  }

  #noted(refusal: Failure): Failure {
    if (this.#refused === 0) setTimeout(() => this.#tellRefused(), TELL_INTERVAL_MS).unref()
    this.#refused += 1
    return refusal
  }

  #tellRefused(): void {
    const calls = this.#refused
    this.#refused = 0
    this.#onRefused(calls)
  }

  /** Measures how fast calls come out of the queue. A time in which none waited says nothing of it. */
  #noteBegin(): void {
    const now = this.#now()
    if (this.#lastBegunAt !== undefined)
      this.#intervalMs += (now - this.#lastBegunAt - this.#intervalMs) * NEWEST_WEIGHT
    this.#lastBegunAt = this.#waiting.size > 0 ? now : undefined
  }
}

/** The room of one call. */
export class CallSlot {
  state: SlotState = 'working'
  readonly holder: string | undefined
  readonly #slots: CallSlots
  #outside = 0

  constructor(slots: CallSlots, holder: string | undefined) {
    this.#slots = slots
    this.holder = holder
  }

  /** Lets others work while the call waits for its turn on a record. */
  async whileItWaits<T>(turn: Promise<T>): Promise<T> {
    this.#slots.move(this, 'working', 'paused')
    try {
      return await turn
    } finally {
      // At once, room or not: others wait for who has the turn.
      this.#slots.move(this, 'paused', 'working')
    }
  }

  /**
   * Lets others work while the call waits for a provider.
   *
   * @returns the failure of a caller who has too many such calls, where `work` is not begun.
   */
  async whileOutside(work: () => Promise<void>): Promise<Failure | undefined> {
    if (this.#outside === 0) {
      const refused = this.#slots.suspend(this)
      if (refused) return refused
    }
    this.#outside += 1
    try {
      await work()
      return undefined
    } finally {
      this.#outside -= 1
      if (this.#outside === 0) await this.#slots.continue(this)
    }
  }

  /** Gives the room back. May be called again. */
  leave(): void {
    this.#slots.move(this, this.state, 'left')
  }
}

function tooManyOfOne(max: number): Failure {
  return fail(
    'TOO_MANY_REQUESTS',
    `At most ${max} of your calls are at work at once, and too many wait behind them; send fewer at a time.`,
    { details: { budget: 'calls at once', retryAfterSeconds: RETRY_AFTER_SECONDS } },
  )
}

function tooManySuspended(max: number): Failure {
  return fail(
    'TOO_MANY_REQUESTS',
    `At most ${max} of your calls may wait for other services at once; send fewer at a time.`,
    { details: { budget: 'calls at once', retryAfterSeconds: RETRY_AFTER_SECONDS } },
  )
}

function tooManyCalls(): Failure {
  return fail(
    'SERVICE_UNAVAILABLE',
    'There are more calls than the server can answer in time; try again shortly.',
    {
      details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
    },
  )
}
