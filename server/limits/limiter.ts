import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { addressKey } from '../auth/client-address.ts'
import type { Database } from '../db/database.ts'
import type { DeclaredLimit } from './action-limit.ts'
import type { Rate } from './bucket.ts'
import { CountedBucket } from './counted-bucket.ts'
import type { Quota } from './quota.ts'
import type { RateLimits } from './rate-limits.ts'
import { type ChargeAnswer, type Order, SharedBuckets } from './shared-buckets.ts'

export interface LimiterOptions {
  readonly database: Pick<Database, 'write'>
  readonly limits: RateLimits
  /** The clock of a test, in place of the database's and the process's. @default none */
  readonly clock?: (() => Date) | undefined
  /** The longest that a call waits for the database to say what other servers have counted, in milliseconds. @default 1000 */
  readonly maxWaitMs?: number
  /** Hears that the database could not be asked; it is asked again a second later, and heard of then. */
  readonly onAway: (error: unknown) => void
}

/** Whose calls are counted. */
export interface LimitedCaller {
  /** Undefined without a token. */
  readonly userId: string | undefined
  /** Undefined where it is not known: those callers are counted together. */
  readonly address: string | undefined
}

/** What is counted of a call. */
export interface LimitedCall {
  readonly caller: LimitedCaller
  /** As tRPC names the procedure. */
  readonly path: string
  /** What it says itself. */
  readonly declared: DeclaredLimit | undefined
  /** Whether it calls an integration without an action. */
  readonly isIntegration: boolean
}

/** What was taken for a call, or why nothing was. */
export interface Taking {
  /** Of each limit, what is left; of a refused call the one that refused it. */
  readonly quotas: readonly Quota[]
  readonly isRefused: boolean
  /** What may be given back. */
  readonly taken: readonly Order[]
}

const MINUTE_MS = 60_000
/** Of each kind; beyond it, those who called longest ago are forgotten. */
const MAX_BUCKETS = 20_000
/** How long a process keeps what it owes to itself. */
const TELL_AFTER_MS = 200
/** At once, so that those who wait for tokens find room beside them. */
const MAX_TOLD = 500
/** The longest that a call waits for the database to say what other servers have counted. */
const MAX_WAIT_MS = 1_000
/** How long a database that was away is not asked. */
const AWAY_MS = 1_000
/** How many addresses a process shows the database in a minute; of more, it alone knows. */
const MAX_NEW_ADDRESSES = 5_000
const UNKNOWN_ADDRESS = 'unknown'

/**
 * Counts calls and says which are one too many: at once, by what the process knows; and where a bucket is small, or
 * enough was taken, by what all servers have counted. Without the database the process decides alone.
 */
export class Limiter {
  readonly #options: LimiterOptions
  /** Undefined for those that are switched off. */
  readonly #rates: Readonly<Record<keyof RateLimits, Rate | undefined>>
  readonly #shared: SharedBuckets
  readonly #users = new LRUCache<string, CountedBucket>({ max: MAX_BUCKETS })
  readonly #addresses = new LRUCache<string, CountedBucket>({ max: MAX_BUCKETS })
  readonly #owing = new Set<CountedBucket>()
  readonly #telling = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #awayUntilMs = 0
  #newAddresses = { count: 0, untilMs: 0 }

  constructor(options: LimiterOptions) {
    this.#options = options
    const { user, anonymous, failing, integrations } = options.limits
    this.#rates = {
      user: perMinute(user),
      anonymous: perMinute(anonymous),
      failing: perMinute(failing),
      integrations: perMinute(integrations),
    }
    this.#shared = new SharedBuckets({
      database: options.database,
      nowUs: () => this.#nowUs(),
      clock: options.clock,
      onFailure: (error) => this.#lose(error),
    })
  }

  /** Says why a caller is not heard whose calls keep failing; undefined for everyone else. */
  failing(caller: LimitedCaller): Quota | undefined {
    const { buckets, name } = this.#placeOf('failing', caller)
    // Most callers have never failed.
    const counted = buckets.get(name)
    if (!counted) return undefined
    const nowUs = this.#nowUs()
    const waitUs = counted.waitUs(1, nowUs)
    return waitUs > 0 ? counted.quota(nowUs, waitUs) : undefined
  }

  /** Counts a call that has failed by its caller's doing. */
  fail(caller: LimitedCaller): void {
    const { failing } = this.#rates
    if (!failing) return
    const counted = this.#bucketOf('failing', failing, caller)
    counted.take(1, this.#nowUs())
    this.#owe(counted, 1)
  }

  /** Counts a call: at once where the process may decide. What is refused by one limit has counted for those before it. */
  take(call: LimitedCall): Taking | Promise<Taking> {
    const nowUs = this.#nowUs()
    const taken: Order[] = []
    let pending: Promise<Order | undefined>[] | undefined
    for (const order of this.#ordersOf(call)) {
      const { counted, tokens } = order
      const waitUs = counted.waitUs(tokens, nowUs)
      if (waitUs > 0) return refused(counted, nowUs, waitUs)
      counted.take(tokens, nowUs)
      taken.push(order)
      if (!this.#mayTakeNow(order)) {
        pending ??= []
        pending.push(this.#refusedOf(order))
      }
    }
    return pending ? this.#awaited(taken, pending) : this.#accepted(taken)
  }

  /** Gives back what was taken for a call that was answered as before: as often as calls may be made. */
  giveBack({ taken }: Taking): void {
    const nowUs = this.#nowUs()
    for (const { counted, tokens } of taken) {
      if (!counted.takeReplay(tokens, nowUs)) continue
      counted.take(-tokens, nowUs)
      this.#owe(counted, -tokens)
    }
  }

  /** Tells the database what is still owed. To be awaited before it is closed. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    do {
      await Promise.all(this.#telling)
      if (!this.#isAway) await this.#tell()
    } while (this.#telling.size > 0 || (this.#owing.size > 0 && !this.#isAway))
  }

  /** The time of the process, in whole microseconds. It never goes back, whatever becomes of the machine's clock. */
  #nowUs(): number {
    const nowMs = this.#options.clock?.().getTime() ?? performance.timeOrigin + performance.now()
    return Math.round(nowMs * 1_000)
  }

  #ordersOf({ caller, path, declared, isIntegration }: LimitedCall): readonly Order[] {
    const { user, anonymous, integrations } = this.#rates
    const weight = declared?.weight ?? 1
    const orders: Order[] = []
    const add = (policy: string, rate: Rate | undefined, whose: LimitedCaller) => {
      if (!rate) return
      const counted = this.#bucketOf(policy, rate, whose)
      // What counts for more than a limit takes at once uses it up.
      orders.push({ counted, tokens: Math.min(weight, rate.burst) })
    }
    if (caller.userId === undefined) add('anonymous', anonymous, caller)
    else add('user', user, caller)
    if (isIntegration) add('integrations', integrations, caller)
    add(path, declared?.rate, declared?.by === 'address' ? { ...caller, userId: undefined } : caller)
    return orders
  }

  /** Where the bucket of a caller is kept. */
  #placeOf(policy: string, { userId, address }: LimitedCaller) {
    const subject = userId ?? (address === undefined ? UNKNOWN_ADDRESS : addressKey(address))
    const [kind, buckets] =
      userId === undefined ? (['address', this.#addresses] as const) : (['user', this.#users] as const)
    return { kind, buckets, subject, name: `${policy} ${subject}` }
  }

  #bucketOf(policy: string, rate: Rate, caller: LimitedCaller): CountedBucket {
    const { kind, buckets, subject, name } = this.#placeOf(policy, caller)
    const known = buckets.get(name)
    if (known) return known
    const made = new CountedBucket({
      policy,
      // Whoever reads the table learns neither users nor addresses of it.
      key: `${policy}:${createHash('sha256').update(`${kind} ${subject}`).digest('base64url')}`,
      isShared: kind === 'user' || this.#isAmongNewAddresses(),
      rate,
    })
    buckets.set(name, made)
    return made
  }

  /** Whoever has many addresses must not fill the table with them. */
  #isAmongNewAddresses(): boolean {
    const nowMs = performance.now()
    if (nowMs >= this.#newAddresses.untilMs) this.#newAddresses = { count: 0, untilMs: nowMs + MINUTE_MS }
    this.#newAddresses.count += 1
    return this.#newAddresses.count <= MAX_NEW_ADDRESSES
  }

  /** Whether the process may take what is ordered by itself; then it owes it. */
  #mayTakeNow({ counted, tokens }: Order): boolean {
    if (!counted.isShared) return true
    if (!counted.mayTakeNow(tokens) && !this.#isAway) return false
    this.#owe(counted, tokens)
    return true
  }

  /** Asks the database for what is ordered. @returns the order if it was refused */
  async #refusedOf(order: Order): Promise<Order | undefined> {
    const { maxWaitMs = MAX_WAIT_MS } = this.#options
    const asked = this.#shared.charge(order)
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        this.#lose(new Error(`The database has not answered in ${maxWaitMs} ms`))
        resolve(undefined)
      }, maxWaitMs)
    })
    const grant = await Promise.race([asked, timeout])
    clearTimeout(timer)
    // The call has its tokens of the process alone, now or, where the answer is late, once it is known.
    if (grant === undefined) this.#track(asked.then((late) => this.#settleLate(order, late)))
    return grant === 'refused' ? order : undefined
  }

  /** Counts once what a call was let pass with before the database had answered. */
  #settleLate({ counted, tokens }: Order, grant: ChargeAnswer): void {
    if (grant === 'taken') return
    // What is refused was put back.
    if (grant === 'refused') counted.take(tokens, this.#nowUs())
    this.#owe(counted, tokens)
  }

  async #awaited(taken: readonly Order[], pending: readonly Promise<Order | undefined>[]): Promise<Taking> {
    const nowUs = this.#nowUs()
    const refusals = (await Promise.all(pending))
      .filter((order) => order !== undefined)
      // What was refused a moment ago may be there by now.
      .map(({ counted, tokens }) => ({ counted, waitUs: Math.max(1, counted.waitUs(tokens, nowUs)) }))
    const [longest] = refusals.sort((one, other) => other.waitUs - one.waitUs)
    return longest ? refused(longest.counted, nowUs, longest.waitUs) : this.#accepted(taken)
  }

  #accepted(taken: readonly Order[]): Taking {
    const nowUs = this.#nowUs()
    return { quotas: taken.map(({ counted }) => counted.quota(nowUs)), isRefused: false, taken }
  }

  /** Notes what the database has to be told, at once where half of what may be owed is. */
  #owe(counted: CountedBucket, tokens: number): void {
    if (!counted.isShared) return
    counted.owe(tokens)
    this.#owing.add(counted)
    if (counted.owed * 2 > counted.mayOwe && counted.told === 0 && !this.#isAway) void this.#tellOf(counted)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (this.#isAway) this.#tellLater()
      else void this.#tell().finally(() => this.#tellLater())
    }, TELL_AFTER_MS).unref()
  }

  #tellLater(): void {
    const [counted] = this.#owing
    if (counted) this.#owe(counted, 0)
  }

  async #tell(): Promise<void> {
    await Promise.all([...this.#owing].slice(0, MAX_TOLD).map((counted) => this.#tellOf(counted)))
  }

  #tellOf(counted: CountedBucket): Promise<void> {
    return this.#track(this.#toldOf(counted))
  }

  /** Keeps what `stop` waits for. */
  #track(work: Promise<void>): Promise<void> {
    const telling = work.finally(() => this.#telling.delete(telling))
    this.#telling.add(telling)
    return telling
  }

  async #toldOf(counted: CountedBucket): Promise<void> {
    this.#owing.delete(counted)
    if (counted.owed === 0) return
    await this.#shared.charge({ counted, tokens: 0 })
    if (counted.owed !== 0) this.#owing.add(counted)
  }

  get #isAway(): boolean {
    return performance.now() < this.#awayUntilMs
  }

  #lose(error: unknown): void {
    if (!this.#isAway) this.#options.onAway(error)
    this.#awayUntilMs = performance.now() + AWAY_MS
  }
}

function perMinute(calls: number | 'none'): Rate | undefined {
  return calls === 'none' ? undefined : { rate: calls, perMs: MINUTE_MS, burst: calls }
}

function refused(counted: CountedBucket, nowUs: number, waitUs: number): Taking {
  return { quotas: [counted.quota(nowUs, waitUs)], isRefused: true, taken: [] }
}
