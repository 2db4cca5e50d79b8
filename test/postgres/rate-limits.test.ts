import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { declaredLimit } from '../../server/limits/action-limit.ts'
import { Limiter } from '../../server/limits/limiter.ts'
import { NO_RATE_LIMITS } from '../../server/limits/rate-limits.ts'
import { sweepRateLimits } from '../../server/limits/shared-buckets.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'

const SERVERS = 4
const USERS = 60

function limiterOn(database: Pick<Database, 'write'>) {
  return new Limiter({
    database,
    limits: NO_RATE_LIMITS,
    maxWaitMs: 3_600_000,
    onAway: (error) => lost.push(error),
  })
}

let opened: TestDatabase
let servers: { limiter: Limiter; close(): Promise<void> }[]
const lost: unknown[] = []
beforeAll(async () => {
  opened = await openTestDatabase()
  servers = Array.from({ length: SERVERS }, () => {
    // Of its own connections, as a server of its own has them.
    const database = openPostgres({ url: opened.url ?? '', max: 4 })
    const limiter = limiterOn(database)
    return { limiter, close: () => limiter.stop().then(() => database.close()) }
  })
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()))
  await opened[Symbol.asyncDispose]()
})

it('a statement that waited for another grants what is there when its turn comes', async () => {
  const database = openPostgres({ url: opened.url ?? '', max: 2 })
  let begun = () => {}
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  let goOn = () => {}
  const mayGoOn = new Promise<void>((resolve) => {
    goOn = resolve
  })
  /** Its transaction begins before that of the other, and its statement comes after it. */
  const early = limiterOn({
    async write(statement) {
      const lease = await database.acquire()
      await lease.session.beginWrite()
      begun()
      await mayGoOn
      const answer = await lease.session.query(statement)
      await lease.session.control('commit')
      lease.release()
      return answer
    },
  })
  const call = {
    caller: { userId: randomUUID(), address: undefined },
    path: 'actions.early',
    declared: declaredLimit({ rate: 2, per: 'day' }),
    isIntegration: false,
  }
  const waiting = early.take(call)
  await hasBegun
  const other = limiterOn(opened.database)
  expect((await other.take(call)).isRefused).toBe(false)
  goOn()
  expect((await waiting).isRefused).toBe(false)
  expect((await other.take(call)).isRefused).toBe(true)
  await database.close()
})

it('servers that charge the same buckets in any order, with a sweeper beside them, wait for each other and count exactly', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(SERVERS - 1), fc.nat(USERS - 1)), {
        minLength: 3_000,
        maxLength: 4_000,
      }),
      fc.integer({ min: 3, max: 19 }),
      fc.integer({ min: 1, max: 3 }),
      async (calls, burst, weight) => {
        const path = `actions.${randomUUID()}`
        const users = Array.from({ length: USERS }, () => randomUUID())
        const taken = new Map<string, number>()
        const asked = new Map<string, number>()
        const add = (sums: Map<string, number>, user: string, tokens: number) =>
          sums.set(user, (sums.get(user) ?? 0) + tokens)
        await Promise.all([
          ...calls.map(async ([server, user]) => {
            const userId = users[user] ?? ''
            const declared = declaredLimit({ rate: burst, per: 'day', burst, weight })
            const taking = await servers[server]?.limiter.take({
              caller: { userId, address: undefined },
              path,
              declared,
              isIntegration: false,
            })
            add(asked, userId, weight)
            if (taking && !taking.isRefused) add(taken, userId, weight)
          }),
          sweepRateLimits(opened.database),
        ])
        expect(lost).toEqual([])
        const whole = Math.floor(burst / weight) * weight
        for (const [userId, tokens] of asked) expect(taken.get(userId)).toBe(Math.min(tokens, whole))
      },
    ),
    // Thousands of calls take longer to be made fewer than anyone waits.
    { numRuns: 4, endOnFailure: true },
  )
})
