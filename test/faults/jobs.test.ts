import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { sweepAllReservations } from '../../server/ledger/sweep.ts'
import { post } from '../http/send.ts'
import { json, startUpstream } from '../integrations/upstream.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import { shortened } from '../support/shortened.ts'
import { mintToken, NOTE_PRICE } from './fault-app.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { lookAt } from './truth.ts'

const JOBS = 200
const JOBS_OF_CALL = 20
const KILLING_MS = shortened({ short: 10_000, whole: 60_000 })
const KILL_EVERY_MS = 1_000
const MIDDLE_MS = 100
const CREDITS = 1_000_000

it('three servers of which one is killed every second: each job is done once, and paid once, and no tick is missed', async () => {
  await using opened = await openTestDatabase()
  await using provider = await startUpstream()
  await using truth = lookAt(opened.url ?? '')
  // Long enough that servers die while they wait for it.
  provider.onPath('/note', async (_received, response) => {
    await sleep(100)
    json(response, 200, {})
  })
  await fund(opened.database, 'ada', CREDITS)
  const start = () => startServer(opened.url ?? '', provider.url, 'bank', { BEATS: 'yes' })
  const servers: (ServerProcess | undefined)[] = await Promise.all([start(), start(), start()])
  const token = await mintToken('ada')
  const names: string[] = []
  const queueSome = async () => {
    const some = Array.from({ length: JOBS_OF_CALL }, () => randomUUID())
    const headers = { 'idempotency-key': randomUUID() }
    for (let n = 0; ; n += 1) {
      const url = servers[n % servers.length]?.url
      const sending = { token, headers, body: JSON.stringify({ names: some }) }
      const answer = url && (await post(`${url}/api/actions/plan`, sending).catch(() => undefined))
      if (answer && answer.status === 200) break
      await truth.endLeases()
      await sleep(50)
    }
    names.push(...some)
  }
  /** How many jobs were begun again, because their server was killed or slower than its lease. */
  const takenOver = async () =>
    (await truth.sql`select 1 from deputy.queue where lane = 'job:work' and attempts > 1`).length
  let kills = 0
  const restarts: Promise<unknown>[] = []
  const endsAt = performance.now() + KILLING_MS
  while (performance.now() < endsAt || names.length < JOBS || (await takenOver()) === 0) {
    await queueSome()
    // In the middle of them.
    await sleep(MIDDLE_MS)
    const slot = kills % servers.length
    const server = servers[slot]
    // On a slow machine none would be left.
    if (!server || servers.filter(Boolean).length < 2) {
      await sleep(KILL_EVERY_MS)
      continue
    }
    kills += 1
    servers[slot] = undefined
    await server.kill()
    // What the dead one had is taken over at once, and so is what others are still at work on.
    await truth.endLeases()
    restarts[slot] = start().then((another) => {
      servers[slot] = another
    })
    await sleep(KILL_EVERY_MS - MIDDLE_MS)
  }
  await Promise.all(restarts)
  const ticked = async () => (await truth.sql`select 1 from deputy.queue where series = 'beat'`).length
  await expect.poll(ticked).toBeGreaterThan(KILLING_MS / 1_000 - 2)
  // A server has lived all the time until now.
  await truth.sql`update deputy.schedules set is_paused = true`
  await truth.endLeases()
  const left = async () => {
    // What was taken over from one who was still at work on it waits longer each time; who is at work now is left alone.
    await truth.sql`update deputy.queue set due_at = now() where state = 'queued' and token is null`
    const [row] = await truth.sql<{ left: number }[]>`
      select (select count(*) from deputy.queue where state = 'queued')::int as left`
    return row?.left
  }
  await expect.poll(left, { timeout: 120_000, interval: 2_000 }).toBe(0)
  await truth.endHolds()
  for (const server of servers) await server?.kill()
  // One may have died between the commit of a job and the settling of what it cost.
  await sweepAllReservations(opened.database)

  const jobs = await truth.sql<{ state: string; lastError: string | null; attempts: number }[]>`
    select state, last_error as "lastError", attempts from deputy.queue where lane = 'job:work'`
  expect(jobs.filter(({ state }) => state !== 'done')).toEqual([])
  expect(jobs).toHaveLength(names.length)
  const again = jobs.filter(({ attempts }) => attempts > 1).length
  console.info(`${kills} kills: ${jobs.length} jobs done, ${again} of them in more than one attempt`)
  // The kills came while jobs were at work.
  expect(again).toBeGreaterThan(0)
  for (const name of names) expect(await truth.effects(name)).toHaveLength(1)
  expect(await truth.inconsistencies()).toEqual([])
  const ticks = await truth.sql<{ id: string; state: string }[]>`
    select id, state from deputy.queue where series = 'beat' order by id`
  const seconds = ticks.map(({ id }) => Date.parse(id.slice('beat:'.length)) / 1_000)
  const first = seconds[0] ?? Number.NaN
  expect(seconds.length).toBeGreaterThan(KILLING_MS / 1_000 - 2)
  expect(seconds).toEqual(seconds.map((_, nth) => first + nth))
  for (const { id, state } of ticks)
    expect([id, state, (await truth.effects(id)).length]).toEqual([id, 'done', 1])
  const keys = new Map<string, Set<unknown>>()
  for (const { body, idempotencyKey } of provider.received) {
    const note = JSON.stringify(body)
    keys.set(note, (keys.get(note) ?? new Set()).add(idempotencyKey))
  }
  expect([...keys.values()].filter(({ size }) => size !== 1)).toEqual([])
  expect(keys.size).toBe(names.length)
  await checkLedger(opened.database)
  expect(await accountOf(opened.database, 'ada')).toEqual({
    available: CREDITS - names.length * NOTE_PRICE,
    reserved: 0,
  })
}, 300_000)
