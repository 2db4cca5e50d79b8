import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { post } from '../http/send.ts'
import { json, startUpstream } from '../integrations/upstream.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import { shortened } from '../support/shortened.ts'
import { mintToken, NOTE_PRICE } from './fault-app.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { lookAt } from './truth.ts'

const CALLERS = 8
const KILLING_MS = shortened({ short: 6_000, whole: 15_000 })
const MIN_KILLS = 5
const MIN_DONE = 30
const MIN_FAILED = 15
const KILL_EVERY_MS = 1_000
const CREDITS = 10_000_000

/** What a call does, in turn. */
const FAILS = ['never', 'first', 'never', 'later', 'never'] as const

it('three servers of which one is killed every second: what was committed is sent, and paid once', async () => {
  await using opened = await openTestDatabase()
  await using provider = await startUpstream()
  await using truth = lookAt(opened.url ?? '')
  // Long enough that servers die while they wait for it.
  provider.onPath('/note', async (_received, response) => {
    await sleep(30)
    json(response, 200, {})
  })
  await fund(opened.database, 'ada', CREDITS)
  const start = () => startServer(opened.url ?? '', provider.url)
  const servers: (ServerProcess | undefined)[] = await Promise.all([start(), start(), start()])
  const token = await mintToken('ada')
  const done = new Set<string>()
  const failed = new Set<string>()
  let isOver = false

  /** Sends a call to one server after the other until its answer is final. */
  const finish = async (name: string, fails: (typeof FAILS)[number]) => {
    const key = randomUUID()
    for (let n = Math.floor(Math.random() * servers.length); ; n += 1) {
      const url = servers[n % servers.length]?.url
      const sending = { token, headers: { 'idempotency-key': key }, body: JSON.stringify({ name, fails }) }
      const answer = url && (await post(`${url}/api/actions/notify`, sending).catch(() => undefined))
      if (answer && answer.status === 200) return done.add(name)
      if (answer && answer.status === 412) return failed.add(name)
      // A killed server's key is held until its lease ends; here that is at once.
      if (answer && answer.status === 409) await truth.endLease(key)
      else await sleep(50)
    }
  }
  const caller = async () => {
    for (let nth = 0; !isOver; nth += 1) await finish(randomUUID(), FAILS[nth % FAILS.length] ?? 'never')
  }
  const load = Promise.all(Array.from({ length: CALLERS }, caller))
  const restarts: Promise<unknown>[] = []
  let kills = 0
  const endsAt = performance.now() + KILLING_MS
  const isEnough = () => kills >= MIN_KILLS && done.size >= MIN_DONE && failed.size >= MIN_FAILED
  while (performance.now() < endsAt || !isEnough()) {
    await sleep(KILL_EVERY_MS)
    const slot = kills % servers.length
    const server = servers[slot]
    // On a slow machine none would be left.
    if (!server || servers.filter(Boolean).length < 2) continue
    kills += 1
    servers[slot] = undefined
    await server.kill()
    // Some of the others are at work longer than they may be.
    await truth.endHolds()
    restarts[slot] = start().then((another) => {
      servers[slot] = another
    })
  }
  await Promise.all(restarts)
  isOver = true
  await load
  await truth.endHolds()
  const left = async () =>
    (
      await truth.sql<{ left: number }[]>`
      select (select count(*) from deputy.queue)::int + (select count(*) from deputy.credit_holds)::int as left`
    )[0]?.left
  await expect.poll(left, { timeout: 150_000, interval: 200 }).toBe(0)
  for (const server of servers) await server?.kill()

  const keys = new Map<string, Set<unknown>>()
  for (const { body, idempotencyKey } of provider.received) {
    const note = JSON.stringify(body)
    keys.set(note, (keys.get(note) ?? new Set()).add(idempotencyKey))
  }
  const notesOf = (name: string) => [1, 2].map((nth) => keys.get(JSON.stringify({ for: name, nth }))?.size)
  const again = provider.received.length - done.size * 2
  console.info(`${kills} kills: ${done.size} calls done, ${failed.size} failed, ${again} messages sent again`)
  for (const name of done) expect(notesOf(name)).toEqual([1, 1])
  for (const name of failed) expect(notesOf(name)).toEqual([undefined, undefined])
  expect(keys.size).toBe(done.size * 2)
  await checkLedger(opened.database)
  const spent = done.size * 2 * NOTE_PRICE
  expect(await accountOf(opened.database, 'ada')).toEqual({ available: CREDITS - spent, reserved: 0 })
}, 300_000)
