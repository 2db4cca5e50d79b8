import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { accountOf, checkLedger } from '../ledger/ledger.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import type { Death } from './death.ts'
import { PAID } from './fault-app.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { lookAt, type Truth } from './truth.ts'

let opened: TestDatabase
let truth: Truth
const start = () => startServer(opened.url ?? '', 'http://127.0.0.1:9')
beforeAll(async () => {
  opened = await openTestDatabase()
  truth = lookAt(opened.url ?? '')
})
afterAll(async () => {
  await truth[Symbol.asyncDispose]()
  await opened[Symbol.asyncDispose]()
})

const newEvent = () => ({ key: `evt_${randomUUID()}`, name: randomUUID(), account: randomUUID() })
type Event = ReturnType<typeof newEvent>

/** Delivers an event as its provider does. @throws where the server dies */
async function deliver({ url }: ServerProcess, { key, ...body }: Event) {
  const answer = await fetch(`${url}/hooks/${key}`, { method: 'POST', body: JSON.stringify(body) })
  return { status: answer.status, text: await answer.text() }
}
const creditsOf = async ({ account }: Event) => (await accountOf(opened.database, account)).available

const deaths: (Death & { readonly isDone: boolean })[] = [
  { point: 'after-claim', nth: 1, isDone: false },
  { point: 'before-commit', nth: 1, isDone: false },
  { point: 'after-commit', nth: 1, isDone: true },
  { point: 'before-respond', nth: 1, isDone: true },
]

it.each(deaths)(
  'a server killed at $point of a webhook: the delivery, repeated, is done once and grants once',
  async ({ isDone, ...death }) => {
    const event = newEvent()
    const dying = await start()
    await dying.dieAt(death)
    await expect(deliver(dying, event)).rejects.toThrow('fetch failed')
    expect(await dying.ended).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await truth.effects(event.name)).toHaveLength(isDone ? 1 : 0)

    await using server = await start()
    // Of what has not committed the dead server holds the key, until its lease ends.
    if (!isDone) expect(await deliver(server, event)).toMatchObject({ status: 409 })
    await truth.endLease(event.key)
    const answers = [await deliver(server, event), await deliver(server, event)]
    expect(answers[0]).toMatchObject({ status: 200 })
    expect(answers[1]).toEqual(answers[0])
    expect(await truth.effects(event.name)).toHaveLength(1)
    await expect.poll(() => creditsOf(event)).toBe(PAID)
    await checkLedger(opened.database)
  },
  300_000,
)

it('events that come to three servers again and again, of which one is killed, grant once', async () => {
  const servers = await Promise.all([start(), start(), start()])
  const events = Array.from({ length: 40 }, newEvent)
  /** Delivers until somebody has taken it, as providers do, and once more. */
  const insist = async (event: Event, first: number) => {
    for (let nth = first, taken = 0; taken < 2; nth += 1) {
      const server = servers[nth % servers.length]
      const answer = server && (await deliver(server, event).catch(() => undefined))
      if (answer?.status === 200) taken += 1
      else if (answer?.status === 409) await truth.endLease(event.key)
      else await sleep(20)
    }
  }
  const all = Promise.all(events.flatMap((event, nth) => [insist(event, nth), insist(event, nth + 1)]))
  await expect.poll(async () => (await truth.sql`select 1 from events limit 9`).length).toBeGreaterThan(8)
  await servers[0]?.kill()
  await all
  for (const event of events) {
    await expect.poll(() => creditsOf(event)).toBe(PAID)
    expect(await truth.effects(event.name)).toHaveLength(1)
  }
  await checkLedger(opened.database)
  for (const server of servers) await server.kill()
}, 300_000)
