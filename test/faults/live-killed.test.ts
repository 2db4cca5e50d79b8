import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { startUpstream } from '../integrations/upstream.ts'
import { Follower } from '../live/follower.ts'
import type { Shown } from '../live/read-stream.ts'
import { openTestDatabase } from '../support/database.ts'
import { shortened } from '../support/shortened.ts'
import { newCall, send } from './call.ts'
import { mintToken } from './fault-app.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { lookAt } from './truth.ts'

const KILLS = shortened({ short: 4, whole: 60 })
const KILL_EVERY_MS = 1_000
const MIN_DONE = 50
const MIN_SEEN = 20
const USERS = ['ada', 'ben', 'cy']
// Servers are slow to start on a slow machine.
vi.setConfig({ testTimeout: shortened({ short: 400_000, whole: 1_500_000 }) })

it('three servers of which one is killed every second: each stream ends at the right page, and shows nothing before its commit', async () => {
  await using opened = await openTestDatabase()
  await using bank = await startUpstream()
  await using truth = lookAt(opened.url ?? '')
  const start = () => startServer(opened.url ?? '', bank.url)
  const servers = await Promise.all([start(), start(), start()])
  const anyUrl = () => (servers[Math.floor(Math.random() * servers.length)] as ServerProcess).url
  const tokens = await Promise.all(USERS.map(mintToken))
  let isOver = false

  const early: string[] = []
  const looks: Promise<unknown>[] = []
  const seen = new Set<string>()
  /** Asks from outside, at once, whether what is shown has been committed. */
  const check = ({ records = [] }: Shown) => {
    const ids = records.map(({ recordId }) => recordId).filter((id) => !seen.has(id))
    for (const id of ids) seen.add(id)
    if (ids.length === 0) return
    looks.push(
      truth.sql`select record_id from events where record_id = any(${ids})`.then((found) => {
        if (found.length < ids.length) early.push(...ids)
      }),
    )
  }
  const streams = tokens.flatMap((token) =>
    ['', '?limit=5', '?orderBy=title&orderDir=asc&limit=50'].map((query) => ({
      token,
      query,
      follower: new Follower(() => `${anyUrl()}/api/records/events${query}`, token, check),
    })),
  )
  let done = 0
  const writer = async (token: string) => {
    while (!isOver) {
      const call = newCall(token, 'place')
      // What was not answered may have been done; it is not sent again.
      const answer = await send(anyUrl(), call).catch(() => undefined)
      if (answer?.status === 200) done += 1
      else await sleep(20)
    }
  }
  const writing = Promise.all(tokens.map(writer))
  let kills = 0
  // On a slow machine it takes more of them.
  for (; kills < KILLS || done <= MIN_DONE || seen.size <= MIN_SEEN; kills += 1) {
    await sleep(KILL_EVERY_MS)
    await servers[kills % servers.length]?.kill()
    servers[kills % servers.length] = await start()
  }
  isOver = true
  await writing

  for (const { token, query, follower } of streams) {
    const limited = query === '' ? '?limit=200' : query
    const fresh = await fetch(`${anyUrl()}/api/records/events${limited}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { data } = (await fresh.json()) as { data: { records: unknown[] } }
    // A server that died after its commit told no one: that is found by looking, every 30 s.
    await vi.waitFor(() => expect(follower.shown?.records).toEqual(data.records), { interval: 50 })
    follower.stop()
  }
  await Promise.all(looks)
  expect(early).toEqual([])
  console.info(`${kills} kills: ${done} calls done, ${seen.size} records shown`)
  for (const server of servers) await server.kill()
})
