import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sweepAllReservations } from '../../server/ledger/sweep.ts'
import { post } from '../http/send.ts'
import { startUpstream, type Upstream } from '../integrations/upstream.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { type How, openStalls, RESERVE, sell } from '../ledger/market.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { saysThatOutcomeIsUnknown } from './call.ts'
import type { Death } from './death.ts'
import { mintToken } from './fault-app.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { lookAt, type Truth } from './truth.ts'

const TOTAL = 30
const CREDITS = 1_000

let opened: TestDatabase
let provider: Upstream
let truth: Truth
let server: ServerProcess
const start = () => startServer(opened.url ?? '', provider.url, 'market')
beforeAll(async () => {
  opened = await openTestDatabase()
  provider = await startUpstream()
  truth = lookAt(opened.url ?? '')
  server = await start()
})
afterAll(async () => {
  await server.kill()
  await truth[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
  await opened[Symbol.asyncDispose]()
})
afterEach(async () => {
  await endHolds()
  expect(await truth.sql`select * from deputy.credit_holds`).toEqual([])
  await checkLedger(opened.database)
})

type Endpoint = 'meter' | 'keyed'

/** A call under a key, by a user of its own who has credits. It is the same call however often it is sent. */
async function newPurchase(endpoint: Endpoint) {
  const [name, key, user] = [randomUUID(), randomUUID(), `user-${randomUUID()}`]
  await fund(opened.database, user, CREDITS)
  openStalls(provider)
  const token = await mintToken(user)
  const received = () =>
    provider.received.filter(({ body }) => (body as { readonly id?: string }).id === name)
  return {
    key,
    send: () =>
      post(`${server.url}/api/actions/purchase`, {
        token,
        headers: { 'idempotency-key': key },
        body: JSON.stringify({ name, endpoint }),
      }),
    timesAsked: () => received().length,
    /** By which the provider knows the sale. */
    providerKeys: () => new Set(received().map(({ idempotencyKey }) => idempotencyKey)),
    effects: () => truth.effects(name),
    spent: async () => CREDITS - (await accountOf(opened.database, user)).available,
    closings: async () =>
      (
        await truth.sql<{ kind: string; cost: string; outcome: string }[]>`select kind, cost, outcome
          from deputy.credit_entries where account = ${user} and kind in ('settle', 'refund') order by seq`
      ).map(({ kind, cost, outcome }) => [kind, Number(cost), outcome]),
  }
}

type Purchase = Awaited<ReturnType<typeof newPurchase>>

/** Sends a call to a server that dies of it, and starts another server. */
async function sendToDeath(purchase: Purchase): Promise<void> {
  await expect(purchase.send()).rejects.toThrow('fetch failed')
  expect(await server.ended).toEqual({ code: null, signal: 'SIGKILL' })
  server = await start()
  // The dead server's backend is gone once it has seen that nobody is there.
  const idle = () =>
    truth.sql`select 1 from pg_stat_activity where state like 'idle in tr%' and datname = current_database()`
  await expect.poll(idle).toEqual([])
}

async function dieOf(purchase: Purchase, death: Death): Promise<void> {
  await server.dieAt(death)
  await sendToDeath(purchase)
}

/** The server is killed when the provider has the request, and before it answers. */
async function dieAtTheProvider(purchase: Purchase): Promise<void> {
  for (const path of ['/meter', '/keyed']) provider.onPath(path, () => server.kill())
  await sendToDeath(purchase)
  openStalls(provider)
}

/** The leases of all reservations end, as time would have it, and somebody sweeps. */
async function endHolds(): Promise<void> {
  await truth.sql`update deputy.credit_holds set lease_until = now() - interval '1 second'`
  await sweepAllReservations(opened.database)
}

function answerAs(how: How): void {
  for (const path of ['/meter', '/keyed'])
    provider.onPath(path, (received, response) => sell({ ...received, body: { how } }, response))
}

/** Servers are started again and again: that takes its time on a busy machine. */
const TIMEOUT_MS = 90_000
/** Who comes first when a server has died: the sweeper, or the caller again. */
const orders = ['swept, then repeated', 'repeated, then swept'] as const

describe.each(orders)('a call whose server was killed, %s', { timeout: TIMEOUT_MS }, (order) => {
  const isSweptFirst = order === orders[0]
  const recover = async (purchase: Purchase) => {
    if (isSweptFirst) await endHolds()
    await truth.endLease(purchase.key)
  }

  it.each(['meter', 'keyed'] as const)(
    'before it was sent (%s): what was set aside is refunded',
    async (endpoint) => {
      const purchase = await newPurchase(endpoint)
      await dieOf(purchase, { point: 'after-reserve', nth: 1 })
      expect(await purchase.spent()).toBe(RESERVE)
      await recover(purchase)
      const refunded = [['refund', 0, 'nothing']]
      expect(await purchase.closings()).toEqual(isSweptFirst ? refunded : [])
      expect(await purchase.spent()).toBe(isSweptFirst ? 0 : RESERVE)
      expect((await purchase.send()).status).toBe(200)
      expect(await purchase.spent()).toBe(TOTAL)
      expect(await purchase.closings()).toEqual([
        ...(isSweptFirst ? refunded : []),
        ['settle', TOTAL, 'answered'],
      ])
      expect([purchase.timesAsked(), (await purchase.effects()).length]).toEqual([1, 1])
    },
  )

  it.each([
    ['it had left', 0],
    ['it was answered', 1],
  ] as const)('before %s: it is charged as unknown, and never sent again', async (_when, asked) => {
    const purchase = await newPurchase('meter')
    if (asked === 0) await dieOf(purchase, { point: 'after-step-sent', nth: 1 })
    else await dieAtTheProvider(purchase)
    await recover(purchase)
    for (let time = 0; time < 2; time += 1) expect(await purchase.send()).toSatisfy(saysThatOutcomeIsUnknown)
    await endHolds()
    expect(await purchase.closings()).toEqual([['settle', RESERVE, 'unknown']])
    expect([await purchase.spent(), purchase.timesAsked()]).toEqual([RESERVE, asked])
    expect(await purchase.effects()).toEqual([])
  })

  it.each([
    ['it had left', 0],
    ['it was answered', 1],
  ] as const)(
    'before %s, by a provider that knows it again: it is sent again, for one charge',
    async (_when, asked) => {
      const purchase = await newPurchase('keyed')
      if (asked === 0) await dieOf(purchase, { point: 'after-step-sent', nth: 1 })
      else await dieAtTheProvider(purchase)
      await recover(purchase)
      expect((await purchase.send()).status).toBe(200)
      expect((await purchase.send()).headers.get('idempotency-replayed')).toBe('true')
      expect(await purchase.closings()).toEqual([
        isSweptFirst ? ['settle', RESERVE, 'unknown'] : ['settle', TOTAL, 'answered'],
      ])
      expect([purchase.timesAsked(), purchase.providerKeys().size]).toEqual([asked + 1, 1])
      expect(await purchase.effects()).toHaveLength(1)
    },
  )

  it('twice, the second time while it sent again, is charged once', async () => {
    const purchase = await newPurchase('keyed')
    await dieAtTheProvider(purchase)
    await recover(purchase)
    await dieOf(purchase, { point: 'after-step-sent', nth: 1 })
    await recover(purchase)
    expect((await purchase.send()).status).toBe(200)
    expect(await purchase.closings()).toHaveLength(1)
    expect([purchase.timesAsked(), purchase.providerKeys().size]).toEqual([2, 1])
  })

  it.each(['refuses', 'breaks'] as const)(
    'and whose provider, asked again, %s: the first time may have done it, so it is charged, once',
    async (how) => {
      const purchase = await newPurchase('keyed')
      await dieAtTheProvider(purchase)
      await recover(purchase)
      answerAs(how)
      expect(await purchase.send()).toMatchObject({
        json: { success: false, details: { outcome: 'unknown' } },
      })
      openStalls(provider)
      expect((await purchase.send()).status).toBe(200)
      expect(await purchase.closings()).toEqual([['settle', RESERVE, 'unknown']])
      expect([purchase.timesAsked(), purchase.providerKeys().size]).toEqual([3, 1])
    },
  )

  it.each([
    ['after-step-answered', false],
    ['before-commit', false],
    ['after-commit', true],
  ] as const)('at %s is neither made nor charged again', async (point, isDone) => {
    const purchase = await newPurchase('meter')
    await dieOf(purchase, { point, nth: 1 })
    await recover(purchase)
    const answers = [await purchase.send(), await purchase.send()]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(answers.map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([
      isDone ? 'true' : null,
      'true',
    ])
    expect(await purchase.closings()).toEqual([['settle', TOTAL, 'answered']])
    expect([purchase.timesAsked(), await purchase.spent()]).toEqual([1, TOTAL])
    expect(await purchase.effects()).toHaveLength(1)
  })
})
