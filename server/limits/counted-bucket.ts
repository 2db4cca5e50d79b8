import { type Bucket, bucketOf, fullAfter, type Rate, tokensIn, waitFor } from './bucket.ts'
import type { Quota } from './quota.ts'

/** The part of a burst that a process takes before it tells the database: buckets of fewer than 20 are exact. */
const OWED_PART = 1 / 20

/** What a process knows of one caller's bucket: what it has taken itself, and what the database has told it. */
export class CountedBucket {
  readonly policy: string
  /** Names the bucket in the database. */
  readonly key: string
  /** Whether other servers count it too. */
  readonly isShared: boolean
  readonly rate: Rate
  readonly bucket: Bucket
  /** How many tokens the process may take before the database knows. */
  readonly mayOwe: number
  /** Tokens that were taken, and that the database has not been told of; below 0 where they were given back. */
  owed = 0
  /** Tokens that it is being told of. */
  told = 0
  #fullAtUs = 0
  #replaysFullAtUs = 0

  constructor(options: { policy: string; key: string; isShared: boolean; rate: Rate }) {
    this.policy = options.policy
    this.key = options.key
    this.isShared = options.isShared
    this.rate = options.rate
    this.bucket = bucketOf(options.rate)
    this.mayOwe = Math.floor(options.rate.burst * OWED_PART)
  }

  /** How long it takes until so many tokens are there, as far as the process knows; 0 when they are. */
  waitUs(tokens: number, nowUs: number): number {
    return waitFor(this.bucket, this.#fullAtUs, nowUs, tokens)
  }

  /** Takes tokens, whether or not they are there; fewer than none puts them back. */
  take(tokens: number, nowUs: number): void {
    this.#fullAtUs = fullAfter(this.bucket, this.#fullAtUs, nowUs, tokens)
  }

  /** Learns when the bucket is full by the count of all servers, without what the process still owes. */
  learn(fullAtUs: number, nowUs: number): void {
    const withOwed = fullAfter(this.bucket, fullAtUs, nowUs, this.owed)
    this.#fullAtUs = Math.max(fullAfter(this.bucket, this.#fullAtUs, nowUs, 0), withOwed)
  }

  /** Whether the process may take so many tokens before the database knows. */
  mayTakeNow(tokens: number): boolean {
    return this.owed + this.told + tokens <= this.mayOwe
  }

  /** Notes what the database is to be told. While it is away the sum stays within one burst. */
  owe(tokens: number): void {
    const { burst } = this.rate
    this.owed = Math.max(-burst, Math.min(burst, this.owed + tokens))
  }

  /** Whether a replay may be given back: as often as calls may be made, so that replays alone are limited too. */
  takeReplay(tokens: number, nowUs: number): boolean {
    if (waitFor(this.bucket, this.#replaysFullAtUs, nowUs, tokens) > 0) return false
    this.#replaysFullAtUs = fullAfter(this.bucket, this.#replaysFullAtUs, nowUs, tokens)
    return true
  }

  /** What is left. @param waitUs how long the call has to wait that was refused */
  quota(nowUs: number, waitUs = 0): Quota {
    const { rate, perMs, burst } = this.rate
    const full = fullAfter(this.bucket, this.#fullAtUs, nowUs, 0)
    return {
      policy: this.policy,
      rate,
      perMs,
      limit: burst,
      remaining: tokensIn(this.bucket, full, nowUs),
      resetMs: Math.max(full - nowUs, waitUs) / 1_000,
      retryAfterMs: waitUs / 1_000,
    }
  }
}
