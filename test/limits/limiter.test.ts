import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionLost, type Database, type QueryResult } from '../../server/db/database.ts'
import { declaredLimit } from '../../server/limits/action-limit.ts'
import { type LimitedCaller, Limiter, type Taking } from '../../server/limits/limiter.ts'
import { NO_RATE_LIMITS, type RateLimits } from '../../server/limits/rate-limits.ts'
import { sweepRateLimits } from '../../server/limits/shared-buckets.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'

// limits.md: new-addresses, limits-wait

let opened: TestDatabase
let nowMs = Date.now()
beforeAll(async () => {
  opened = await openTestDatabase()
})
afterAll(() => opened[Symbol.asyncDispose]())
beforeEach(() => {
  nowMs += 3_600_000
})

interface Options {
  readonly limits?: Partial<RateLimits>
  readonly database?: Pick<Database, 'write'>
  readonly onAway?: (error: unknown) => void
  readonly maxWaitMs?: number
}

/** One server's limiter, on a clock that stands until it is moved. It waits for the database as long as a test does. */
function limiter(options: Options = {}) {
  const { limits = {}, database = opened.database, onAway = () => {}, maxWaitMs = 3_600_000 } = options
  return new Limiter({
    database,
    limits: { ...NO_RATE_LIMITS, ...limits },
    clock: () => new Date(nowMs),
    maxWaitMs,
    onAway,
  })
}

const user = (): LimitedCaller => ({ userId: randomUUID(), address: undefined })

/** A call against a limit of its action: `burst` at once, and so many an hour. */
function call(caller: LimitedCaller, burst: number, weight = 1) {
  const declared = declaredLimit({ rate: burst, per: 'hour', weight })
  return { caller, path: 'actions.limited', declared, isIntegration: false }
}

const passed = (takings: readonly Taking[]) => takings.filter(({ isRefused }) => !isRefused).length

/** A database, and how often it was asked. */
function counted({ write }: Pick<Database, 'write'>) {
  let times = 0
  const database: Pick<Database, 'write'> = {
    write(statement) {
      times += 1
      return write(statement)
    },
  }
  return { database, asked: () => times }
}

/** How many buckets of a limit the table holds. */
async function rows(policy: string): Promise<number> {
  const { rows: found } = await opened.database.query({
    sql: "select count(*)::int from deputy.rate_limits where key like $1::text || ':%'",
    params: [policy],
  })
  return Number(found[0]?.[0])
}

describe('servers of one database', () => {
  it.each([1, 2, 5, 19])('share a burst of %i exactly, whatever of it comes at once', async (burst) => {
    const servers = [limiter(), limiter(), limiter()]
    const caller = user()
    const takings = await Promise.all(
      Array.from({ length: burst * 6 }, (_, nth) => servers[nth % 3]?.take(call(caller, burst))),
    )
    expect(passed(takings.filter((taking) => taking !== undefined))).toBe(burst)
  })

  it.each([20, 100, 600])(
    'share a burst of %i up to a twentieth that each server takes ahead',
    async (burst) => {
      const servers = [limiter(), limiter()]
      const caller = user()
      let taken = 0
      for (let round = 0; round < burst; round += 1)
        for (const server of servers) taken += passed([await server.take(call(caller, burst))])
      expect(taken).toBeGreaterThanOrEqual(burst)
      expect(taken).toBeLessThanOrEqual(burst + servers.length * Math.floor(burst / 20))
      // What was taken ahead is not forgotten: a third server has none left.
      await Promise.all(servers.map((server) => server.stop()))
      expect(passed([await limiter().take(call(caller, burst, burst))])).toBe(0)
    },
  )

  it('know on each what one has counted, as soon as it has told it', async () => {
    const [one, other] = [limiter(), limiter()]
    const caller = user()
    for (let nth = 0; nth < 100; nth += 1) await one.take(call(caller, 100))
    await one.stop()
    // The other may take five without asking; then it learns that there are none.
    let taken = 0
    for (let nth = 0; nth < 20; nth += 1) taken += passed([await other.take(call(caller, 100))])
    expect(taken).toBeLessThanOrEqual(5)
  })

  it('count what fails together, up to what each owes', async () => {
    const limits = { failing: 10 }
    const [one, other] = [limiter({ limits }), limiter({ limits })]
    const caller = user()
    for (let nth = 0; nth < 10; nth += 1) one.fail(caller)
    expect(one.failing(caller)).toMatchObject({
      policy: 'failing',
      remaining: 0,
      retryAfterMs: 6_000,
    })
    await one.stop()
    expect(other.failing(caller)).toBeUndefined()
    other.fail(caller)
    await other.stop()
    expect(other.failing(caller)).toMatchObject({ policy: 'failing', remaining: 0 })
  })

  it('take what comes in meanwhile, and nothing more', async () => {
    const servers = [limiter(), limiter()]
    const caller = user()
    const takeAll = async () => {
      const takings = await Promise.all(
        servers.flatMap((server) => [1, 2, 3, 4].map(() => server.take(call(caller, 4)))),
      )
      return passed(takings)
    }
    expect(await takeAll()).toBe(4)
    nowMs += 900_000
    expect(await takeAll()).toBe(1)
    nowMs += 3_600_000
    expect(await takeAll()).toBe(4)
  })
})

describe('what is given back', () => {
  it('may be taken again on every server, and not more often than calls may be made', async () => {
    const [one, other] = [limiter(), limiter()]
    const caller = user()
    const taking = await one.take(call(caller, 2))
    for (let nth = 0; nth < 10; nth += 1) one.giveBack(taking)
    await one.stop()
    const takings = await Promise.all([1, 2, 3, 4].map(() => other.take(call(caller, 2))))
    // One was taken and given back twice at most: the bucket holds two.
    expect(passed(takings)).toBe(2)
  })
})

describe('a call that counts for several', () => {
  it('gets all of them or none, and leaves the rest to others', async () => {
    const servers = [limiter(), limiter()]
    const caller = user()
    const weights = [3, 3, 3, 1]
    const takings = await Promise.all(
      weights.flatMap((weight) => servers.map((server) => server.take(call(caller, 7, weight)))),
    )
    const sums = takings.map(({ isRefused }, nth) => (isRefused ? 0 : (weights[nth >> 1] ?? 0)))
    expect(sums.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(7)
    expect(sums.filter((each) => each === 3)).toHaveLength(2)
  })
})

describe('a flood', () => {
  it('of a user is refused by the process, which asks the database for no more than the burst', async () => {
    const { database, asked } = counted({ write: (statement) => opened.database.write(statement) })
    const server = limiter({ database })
    const caller = user()
    for (let nth = 0; nth < 500; nth += 1) await server.take(call(caller, 5))
    expect(asked()).toBeLessThanOrEqual(6)
  })

  it('of a user with a generous limit asks the database once for many calls', async () => {
    const { database, asked } = counted({ write: (statement) => opened.database.write(statement) })
    const server = limiter({ database, limits: { user: 1_200 } })
    const caller = user()
    for (let nth = 0; nth < 1_000; nth += 1) await server.take({ ...call(caller, 1), declared: undefined })
    expect(asked()).toBeLessThanOrEqual(60)
  })

  it('of strangers with ever new addresses leaves no more rows than a server may make in a minute', async () => {
    const server = limiter({ limits: { anonymous: 1 } })
    const sent = Array.from({ length: 6_000 }, (_, nth) => ({
      caller: {
        userId: undefined,
        address: `2001:db8:${(nth >> 8).toString(16)}:${(nth & 255).toString(16)}::1`,
      },
      path: 'records.events.list',
      declared: undefined,
      isIntegration: false,
    }))
    let taken = 0
    // The minute is that of the process, and stands.
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      for (let from = 0; from < sent.length; from += 500)
        taken += passed(await Promise.all(sent.slice(from, from + 500).map((each) => server.take(each))))
    } finally {
      vi.useRealTimers()
    }
    expect(taken).toBe(6_000)
    expect(passed(await Promise.all(sent.slice(-100).map((each) => server.take(each))))).toBe(0)
    await server.stop()
    expect(await rows('anonymous')).toBe(5_000)
    await opened.database.write({ sql: 'update deputy.rate_limits set full_at = 0', params: [] })
    await sweepRateLimits(opened.database)
    expect(await rows('anonymous')).toBe(0)
  })
})

describe('the table', () => {
  it('holds neither users nor addresses, and keeps a bucket until it is full', async () => {
    const path = `actions.${randomUUID()}`
    await limiter().take({ ...call(user(), 2), path })
    const { rows: kept } = await opened.database.query({
      sql: "select key from deputy.rate_limits where key like $1::text || '%'",
      params: [path],
    })
    expect(kept).toHaveLength(1)
    expect(String(kept[0]?.[0]).slice(path.length)).toMatch(/^:[\w-]{43}$/)
    await sweepRateLimits(opened.database)
    expect(await rows(path)).toBe(1)
  })
})

describe('without the database', () => {
  const away = (): Promise<QueryResult> => Promise.reject(new ConnectionLost('gone'))

  it('a process counts by itself, and says once that it does', async () => {
    const told: unknown[] = []
    const { database, asked } = counted({ write: away })
    const server = limiter({ database, onAway: (error) => told.push(error) })
    const caller = user()
    const takings: Taking[] = []
    // A second later it would ask again.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      for (let nth = 0; nth < 50; nth += 1) takings.push(await server.take(call(caller, 5)))
    } finally {
      vi.useRealTimers()
    }
    expect(passed(takings)).toBe(5)
    expect([told.length, asked()]).toEqual([1, 1])
  })

  it('a call does not wait for an answer that does not come', async () => {
    const told: unknown[] = []
    const server = limiter({
      database: { write: () => new Promise<never>(() => {}) },
      maxWaitMs: 10,
      onAway: (error) => told.push(error),
    })
    expect(passed([await server.take(call(user(), 5))])).toBe(1)
    expect(told).toHaveLength(1)
  })

  it.each(['taken', 'refused', 'lost'])(
    'a charge that is %s after its call was let pass counts once',
    async (how) => {
      const caller = user()
      const path = `actions.${randomUUID()}`
      const each = (tokens: number) => ({ ...call(caller, 10, tokens), path })
      let release = () => {}
      const late = new Promise<void>((resolve) => {
        release = resolve
      })
      let asked = 0
      const server = limiter({
        maxWaitMs: 1_000,
        database: {
          async write(statement) {
            asked += 1
            if (asked === 1) await late
            if (asked === 1 && how === 'lost') throw new ConnectionLost('gone')
            return opened.database.write(statement)
          },
        },
      })
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
      try {
        const taking = server.take(each(1))
        await vi.advanceTimersByTimeAsync(1_000)
        expect(passed([await taking])).toBe(1)
        const others = how === 'refused' ? 10 : 1
        await limiter().take(each(others))
        // By then the database is asked again.
        await vi.advanceTimersByTimeAsync(1_000)
        release()
        const stopped = server.stop()
        await vi.advanceTimersByTimeAsync(2_000)
        await stopped
        if (how === 'lost') {
          await vi.advanceTimersByTimeAsync(2_000)
          await server.stop()
        }
        const { rows: found } = await opened.database.query({
          sql: `
          select ((full_at - $2::bigint) / 360000000)::int
          from deputy.rate_limits where key like $1::text || ':%'`,
          params: [path, nowMs * 1_000],
        })
        expect(found).toEqual([[others + 1]])
      } finally {
        vi.useRealTimers()
      }
    },
  )
})

describe('the clock of the machine', () => {
  it('may be set back: no one is refused for that', async () => {
    const server = new Limiter({
      database: opened.database,
      limits: { ...NO_RATE_LIMITS, user: 60, failing: 60 },
      onAway: () => {},
    })
    const caller = user()
    const each = { ...call(caller, 1), declared: undefined }
    await server.take(each)
    server.fail(caller)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 7_200_000 })
    try {
      expect(passed([await server.take(each)])).toBe(1)
      expect(server.failing(caller)).toBeUndefined()
    } finally {
      vi.useRealTimers()
    }
  })
})
