import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type Answer, post } from '../http/send.ts'
import { startUpstream } from '../integrations/upstream.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { openStalls } from '../ledger/market.ts'
import { startPgbouncer } from '../postgres/pgbouncer.ts'
import { openTestDatabase } from '../support/database.ts'
import { shortened } from '../support/shortened.ts'
import { type Call, newCall, saysThatOutcomeIsUnknown } from './call.ts'
import { mintToken } from './fault-app.ts'
import { sendUntilFinal } from './send-until-final.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { lookAt } from './truth.ts'

const ROUNDS = shortened({ short: 6, whole: 60 })
const CALLERS = 9
const CREDITS = 1_000_000
const MAX_PAUSE_MS = 200
const FAULTS = ['backends', 'pooler', 'server'] as const
const MODES = [
  ['session', { pool_mode: 'session', default_pool_size: 30 }],
  // Fewer backends than connections, so that they change hands all the time.
  ['transaction', { pool_mode: 'transaction', default_pool_size: 6 }],
] as const

it.each(MODES)(
  'behind PgBouncer in %s mode, backends, the pooler and servers are killed under load: every call happens once',
  async (_mode, settings) => {
    await using opened = await openTestDatabase()
    const url = opened.url ?? ''
    await using pooler = await startPgbouncer(url, settings)
    await using bank = await startUpstream()
    await using provider = await startUpstream()
    openStalls(provider)
    await using truth = lookAt(url)
    const start = () => startServer(pooler.url, bank.url)
    const servers: ServerProcess[] = await Promise.all([start(), start()])
    await using market = await startServer(pooler.url, provider.url, 'market')
    const over = new AbortController()
    const users = Array.from({ length: CALLERS }, (_, nth) => `user-${nth}`)
    for (const user of users) await fund(opened.database, user, CREDITS)

    const done = new Map<string, string>()
    const unknown = new Set<string>()
    const purchases = new Set<string>()
    let [raised, sent] = [0, 0]
    const finish = (call: Call) =>
      sendUntilFinal(call, {
        url: () => {
          sent += 1
          return servers[sent % servers.length]?.url ?? ''
        },
        signal: AbortSignal.timeout(200_000),
        // A killed server's key is held until its lease ends; here that is at once.
        onObstacle: (answer) => (answer?.status === 409 ? truth.endLease(call.key) : undefined),
      })
    const note = (name: string, answer: Answer) => {
      if (answer.status === 200) done.set(name, (answer.json.data as { recordId: string }).recordId)
      else if (saysThatOutcomeIsUnknown(answer)) unknown.add(name)
      else throw new Error(`${answer.status} ${answer.text}`)
    }

    const hot = newCall(await mintToken('user-0'), 'place')
    note(hot.name, await finish(hot))
    const eventId = done.get(hot.name) ?? ''

    const buy = async (token: string) => {
      const [name, key] = [randomUUID(), randomUUID()]
      for (;;) {
        const answer = await post(`${market.url}/api/actions/purchase`, {
          token,
          headers: { 'idempotency-key': key },
          body: JSON.stringify({ name, endpoint: 'keyed' }),
        })
        if (answer.status === 200 || saysThatOutcomeIsUnknown(answer)) {
          purchases.add(name)
          return note(name, answer)
        }
        await sleep(50)
      }
    }
    const caller = async (user: string, nth: number) => {
      const token = await mintToken(user)
      while (!over.signal.aborted) {
        if (nth % 3 === 0) await buy(token)
        else if (nth % 3 === 1) {
          const call = newCall(token, nth % 2 === 0 ? 'order' : 'place')
          note(call.name, await finish(call))
        } else {
          const answer = await finish({ token, action: 'raise', key: randomUUID(), input: { eventId } })
          expect(answer.status).toBe(200)
          raised += 1
        }
      }
    }
    const load = Promise.all(users.map(caller))
    load.catch(() => over.abort())
    const faults = {
      backends: async () => void (await truth.terminateAll()),
      pooler: () => pooler.restart(),
      server: async () => {
        const at = sent % servers.length
        await servers[at]?.kill()
        servers[at] = await start()
      },
    }
    for (let round = 0; round < ROUNDS && !over.signal.aborted; round += 1) {
      await sleep(Math.random() * MAX_PAUSE_MS)
      // However slow the machine is, some calls come through between the faults.
      const before = done.size + raised
      while (done.size + raised < before + CALLERS && !over.signal.aborted) await sleep(20)
      await faults[FAULTS[round % FAULTS.length] ?? 'backends']()
      if (round % 3 === 0) expect((await truth.inconsistencies()).filter(isNoPurchase)).toEqual([])
    }
    over.abort()
    await load
    for (const server of servers) await server.kill()
    console.info(
      `${ROUNDS} faults: ${done.size} calls done, ${raised} times raised, ${unknown.size} with an unknown outcome`,
    )

    for (const [name, recordId] of done) expect(await truth.effects(name)).toEqual([recordId])
    for (const name of unknown) expect(await truth.effects(name)).toEqual([])
    const [row] = await truth.sql`select attendee_count from events where record_id = ${eventId}`
    expect(row?.attendee_count).toBe(raised)
    // Nothing was bought twice, and the ledger has what the accounts have.
    const charges = bank.calls('bank/charge').map(({ body }) => (body as { for: string }).for)
    expect(new Set(charges).size).toBe(charges.length)
    await truth.endHolds()
    await checkLedger(opened.database)
    for (const user of users)
      expect((await accountOf(opened.database, user)).available).toBeGreaterThanOrEqual(0)
    expect((await truth.inconsistencies()).filter(isNoPurchase)).toEqual([])
    expect(purchases.size).toBeGreaterThan(0)
  },
  240_000,
)

/** Purchases have an event without a guest, under another action's key. */
function isNoPurchase(inconsistency: string): boolean {
  return !/^(half an effect|an effect without its answer)/.test(inconsistency)
}
