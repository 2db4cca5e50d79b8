import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openTestDatabase } from '../support/database.ts'
import { shortened } from '../support/shortened.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { lookAt } from './truth.ts'

const KILLING_MS = shortened({ short: 10_000, whole: 60_000 })
const KILL_EVERY_MS = 1_000

it('three servers of which one is killed every second: each second ticks once, and its job is done once', async () => {
  await using opened = await openTestDatabase()
  await using truth = lookAt(opened.url ?? '')
  const start = () => startServer(opened.url ?? '', '', 'ticking')
  const servers: (ServerProcess | undefined)[] = await Promise.all([start(), start(), start()])
  const restarts: Promise<unknown>[] = []
  let kills = 0
  const endsAt = performance.now() + KILLING_MS
  while (performance.now() < endsAt) {
    await sleep(KILL_EVERY_MS)
    const slot = kills % servers.length
    const server = servers[slot]
    // On a slow machine none would be left.
    if (!server || servers.filter(Boolean).length < 2) continue
    kills += 1
    servers[slot] = undefined
    await server.kill()
    await truth.endLeases()
    restarts[slot] = start().then((another) => {
      servers[slot] = another
    })
  }
  await Promise.all(restarts)
  const [{ now } = { now: 0 }] = await truth.sql<
    { now: number }[]
  >`select extract(epoch from now())::float8 as now`
  // No more ticks come; what they have queued is done.
  await truth.sql`update deputy.schedules set is_paused = true`
  const left = async () => {
    await truth.endLeases()
    const [row] = await truth.sql<{ left: number }[]>`
      select count(*)::int as left from deputy.queue where state = 'queued'`
    return row?.left
  }
  await expect.poll(left, { timeout: 120_000, interval: 2_000 }).toBe(0)
  for (const server of servers) await server?.kill()

  const jobs = await truth.sql<{ id: string; state: string; attempts: number }[]>`
    select id, state, attempts from deputy.queue order by id`
  const seconds = jobs.map(({ id }) => Date.parse(id.replace('tick:', '')) / 1_000)
  const first = seconds[0] ?? 0
  expect(seconds).toEqual(seconds.map((_, nth) => first + nth))
  expect(now - (seconds.at(-1) ?? 0)).toBeLessThan(3)
  expect(seconds.length * 1_000).toBeGreaterThan(KILLING_MS * 0.9)
  expect(jobs.filter(({ state }) => state !== 'done')).toEqual([])
  expect(await truth.effects('tick')).toHaveLength(jobs.length)
  console.info(
    `${kills} kills: ${jobs.length} ticks, ${jobs.filter(({ attempts }) => attempts > 1).length} jobs begun again`,
  )
}, 300_000)
