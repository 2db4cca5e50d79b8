import { Batches } from '../db/batches.ts'
import type { Database } from '../db/database.ts'
import { Semaphore } from '../db/semaphore.ts'
import type { CountedBucket } from './counted-bucket.ts'

/** Tells the database what is owed, and asks it for more tokens, unless there are none to ask for. */
export interface Order {
  readonly counted: CountedBucket
  /** 0 tells what is owed alone. */
  readonly tokens: number
}

/** Whether the tokens were taken; undefined where the database could not be asked. */
export type ChargeAnswer = 'taken' | 'refused' | undefined

export interface SharedBucketsOptions {
  readonly database: Pick<Database, 'write'>
  /** The time of the process, in whole microseconds. */
  readonly nowUs: () => number
  /** The clock of a test, in place of the database's. */
  readonly clock: (() => Date) | undefined
  readonly onFailure: (error: unknown) => void
}

/** In whole microseconds. Of a bucket that others change too it is read once their change has ended: it never goes back. */
const NOW = 'coalesce($2::bigint, (extract(epoch from clock_timestamp()) * 1000000)::bigint)'

/**
 * When a bucket is full, and what it grants: what is owed is taken whether or not it is there. One that is full later
 * than twice its capacity was left so by another clock or another limit.
 */
const charged = (fullAt: string, bucket: string) => `
  select base + granted * interval_us as full_at, granted from (
    select base, interval_us, case when wanted > 0 and room >= needed then least(wanted, room) else 0 end as granted
    from (
      select *, (now_us + capacity_us - base) / interval_us as room from (
        select *, greatest(now_us,
          greatest(now_us, least(${fullAt}, now_us + 2 * capacity_us)) + owed * interval_us) as base
        from (select *, ${NOW} as now_us from ${bucket} offset 0) as now) as before) as wanted) as after`

// All buckets of a statement in the order of their keys: two servers that change the same ones wait for each other and
// cannot lock each other out.
const CHARGE = `
  with asked as materialized (
    select * from json_to_recordset($1::text::json)
      as each (key text, interval_us bigint, capacity_us bigint, owed bigint, needed bigint, wanted bigint)),
  fresh as materialized (
    select key, charge.full_at, charge.granted
    from asked, lateral (${charged('0', '(select asked.*) as one')}) as charge)
  insert into deputy.rate_limits as bucket (key, full_at, granted)
  select key, full_at, granted from fresh order by key
  on conflict (key) do update set (full_at, granted) = (
    ${charged('bucket.full_at', '(select * from asked where asked.key = excluded.key) as one')})
  returning key, full_at - (${NOW}), granted`

/** The buckets that all servers of a database count together. Charges that come together go in one statement. */
export class SharedBuckets {
  readonly #options: SharedBucketsOptions
  readonly #batches: Batches<Order, { readonly grant: ChargeAnswer }>

  constructor(options: SharedBucketsOptions) {
    this.#options = options
    this.#batches = new Batches({
      turns: new Semaphore(1),
      together: (orders) => this.#charge(orders),
      // Of a database that is away nothing is learned by asking again.
      alone: async () => ({ grant: undefined }),
    })
  }

  /** Charges a bucket. Never throws. */
  async charge(order: Order): Promise<ChargeAnswer> {
    try {
      return (await this.#batches.fulfil(order)).grant
    } catch (error) {
      this.#options.onFailure(error)
      return undefined
    }
  }

  async #charge(orders: readonly Order[]): Promise<{ readonly grant: ChargeAnswer }[]> {
    const { database, nowUs, clock, onFailure } = this.#options
    const charges = chargesOf(orders)
    for (const charge of charges.values()) charge.tell()
    try {
      const { rows } = await database.write({
        sql: CHARGE,
        params: [
          JSON.stringify([...charges.values()].map((charge) => charge.asked)),
          clock ? clock().getTime() * 1_000 : null,
        ],
      })
      const now = nowUs()
      for (const [key, fullInUs, granted] of rows)
        charges.get(String(key))?.settle(now + Number(fullInUs), Number(granted), now)
      return orders.map((order) => ({ grant: charges.get(order.counted.key)?.grantOf(order) }))
    } catch (error) {
      for (const charge of charges.values()) charge.takeBack()
      onFailure(error)
      return orders.map(() => ({ grant: undefined }))
    }
  }
}

/** What one statement charges one bucket. */
class Charge {
  readonly #key: string
  readonly #orders: Order[] = []
  /** What each who counts the bucket owes: two, where one was forgotten and found again. */
  readonly #owed = new Map<CountedBucket, number>()
  readonly #taken = new Set<Order>()

  constructor(key: string) {
    this.#key = key
  }

  add(order: Order): void {
    this.#orders.push(order)
    this.#owed.set(order.counted, 0)
  }

  /** What is owed is on its way to the database. */
  tell(): void {
    for (const counted of this.#owed.keys()) {
      const { owed } = counted
      this.#owed.set(counted, owed)
      counted.owed = 0
      counted.told += owed
    }
  }

  get asked(): object {
    const [counted] = this.#owed.keys()
    const tokens = this.#orders.map((order) => order.tokens).filter((each) => each > 0)
    return {
      key: this.#key,
      interval_us: counted?.bucket.intervalUs,
      capacity_us: counted?.bucket.capacityUs,
      owed: sum([...this.#owed.values()]),
      needed: tokens.length > 0 ? Math.min(...tokens) : 0,
      wanted: sum(tokens),
    }
  }

  /** The database was not told. */
  takeBack(): void {
    for (const [counted, owed] of this.#owed) {
      counted.told -= owed
      counted.owe(owed)
    }
  }

  /** Hands out what was granted: those who asked first get theirs, and what no one can use is put back. */
  settle(fullAtUs: number, granted: number, nowUs: number): void {
    let left = granted
    for (const order of this.#orders) {
      const { counted, tokens } = order
      if (tokens <= left) {
        this.#taken.add(order)
        left -= tokens
      } else counted.take(-tokens, nowUs)
    }
    for (const [counted, owed] of this.#owed) {
      counted.told -= owed
      counted.owe(-left)
      left = 0
      counted.learn(fullAtUs, nowUs)
    }
  }

  grantOf(order: Order): ChargeAnswer {
    return this.#taken.has(order) ? 'taken' : 'refused'
  }
}

/** The charges of a statement: one for each bucket. */
function chargesOf(orders: readonly Order[]): ReadonlyMap<string, Charge> {
  const charges = new Map<string, Charge>()
  for (const order of orders) {
    const { key } = order.counted
    const charge = charges.get(key) ?? new Charge(key)
    charges.set(key, charge)
    charge.add(order)
  }
  return charges
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

const BATCH = 1_000

// It waits for no one: whoever charges these buckets has them first.
const SWEEP = `
  delete from deputy.rate_limits where key in (
    select key from deputy.rate_limits where full_at < (extract(epoch from now()) * 1000000)::bigint
    limit ${BATCH} for update skip locked)
  returning 1`

/** Deletes the buckets that are full again, a batch at a time. */
export async function sweepRateLimits(database: Pick<Database, 'write'>): Promise<void> {
  for (;;) {
    const { rows } = await database.write({ sql: SWEEP, params: [] })
    if (rows.length < BATCH) return
  }
}
