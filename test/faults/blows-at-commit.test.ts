import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import { startTcpProxy } from '../postgres/tcp-proxy.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { shortened } from '../support/shortened.ts'
import { newCall } from './call.ts'
import { createFaultApp, mintToken } from './fault-app.ts'
import { sendUntilFinal } from './send-until-final.ts'
import { lookAt, type Truth } from './truth.ts'

const ROUNDS = shortened({ short: 40, whole: 100 })
const CALLERS = 24
/** Where a blow hits: before COMMIT is sent, while it is under way, or after it; or the network fails under it. */
const BLOWS = ['before', 'during', 'after', 'network'] as const

let opened: TestDatabase
let truth: Truth
let proxy: Awaited<ReturnType<typeof startTcpProxy>>
let database: Database
let http: Listening
let token: string
/** What the next call that comes to its COMMIT is in for. */
let blow: (typeof BLOWS)[number] | undefined
let struck = 0
/** How many are spared before. */
let spared = 0
beforeAll(async () => {
  opened = await openTestDatabase()
  truth = lookAt(opened.url ?? '')
  // Every now and then the backend dies inside its own COMMIT.
  await truth.sql.unsafe(`
    create sequence commits;
    create function die_at_commit() returns trigger language plpgsql as $$ begin
      if nextval('commits') % 23 = 0 then perform pg_terminate_backend(pg_backend_pid()); end if;
      return null; end $$;
    create constraint trigger die_at_commit after insert on events deferrable initially deferred
      for each row execute function die_at_commit()`)
  proxy = await startTcpProxy(opened.url ?? '')
  database = openPostgres({ url: proxy.url, max: 8 })
  const app = await createFaultApp({
    database,
    log: pino({ level: 'silent' }),
    failpoint: async (point) => {
      if (point !== (blow === 'after' ? 'after-commit' : 'before-commit')) return
      const kind = blow
      if (kind === undefined) return
      if (spared > 0) {
        spared -= 1
        return
      }
      blow = undefined
      struck += 1
      if (kind === 'network') setImmediate(proxy.cut)
      else if (kind === 'before') await truth.terminateBusy()
      else void truth.terminateBusy()
    },
  })
  http = await listen({ http: app.http, host: '127.0.0.1', port: 0 })
  token = await mintToken('ada')
})
afterAll(async () => {
  await http.close(1_000)
  await database.close()
  await proxy[Symbol.asyncDispose]()
  await truth[Symbol.asyncDispose]()
  await opened[Symbol.asyncDispose]()
})

it(`backends killed around COMMIT in ${ROUNDS} rounds under load: nothing by half, and every call is done once by its key`, async () => {
  let isOver = false
  let unavailable = 0
  let unknown = 0
  const names: string[] = []
  const abort = new AbortController()
  const caller = async () => {
    while (!isOver) {
      const call = newCall(token, 'place')
      const answer = await sendUntilFinal(call, {
        url: () => http.url,
        signal: abort.signal,
        onObstacle: (obstacle) => {
          if (obstacle?.text.includes('"outcome":"unknown"')) unknown += 1
          else unavailable += 1
        },
      })
      expect(answer.text).toContain('"success":true')
      names.push(call.name)
    }
  }
  const callers = Promise.all(Array.from({ length: CALLERS }, caller))
  const rounds = async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      spared = Math.floor(Math.random() * 3)
      blow = BLOWS[round % BLOWS.length]
      await vi.waitFor(() => expect(struck).toBe(round + 1), { interval: 2 })
      expect(await truth.inconsistencies()).toEqual([])
    }
    isOver = true
  }
  try {
    await Promise.race([rounds(), callers])
    await callers
  } finally {
    abort.abort()
  }
  console.info(
    `${ROUNDS} rounds: ${names.length} calls, ${unknown} commits with an unknown outcome, ${unavailable} other obstacles`,
  )
  expect(unknown).toBeGreaterThan(0)
  const rows = await truth.sql<{ title: string }[]>`select title from events`
  expect(rows.map(({ title }) => title).sort()).toEqual(names.sort())
  expect(await truth.inconsistencies()).toEqual([])
  await expect
    .poll(
      () => truth.sql`select 1 from pg_stat_activity
      where datname = current_database() and state like 'idle in transaction%'`,
    )
    .toEqual([])
}, 300_000)
