import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { json, startUpstream } from '../integrations/upstream.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'
import { bankCalls } from './bank-calls.ts'
import { newCall, saysThatOutcomeIsUnknown, send } from './call.ts'
import { startCluster } from './cluster.ts'
import { mintToken } from './fault-app.ts'
import { startServer } from './server-process.ts'
import { lookAt } from './truth.ts'

const CALLERS = 16
const STOPPED_MS = 5_000
const BANK_DELAY_MS = 200

it('a database that is stopped and started under load: 503 meanwhile, then service, and nothing acknowledged is lost', async () => {
  await using cluster = await startCluster()
  await (
    await openDatabase({
      databaseUrl: cluster.url,
      directory: undefined,
      migrations: MIGRATIONS,
      tables: TABLES,
    })
  ).close()
  await using bank = await startUpstream()
  for (const endpoint of ['bank/charge', 'bank/receipt']) {
    // Slow enough for some of its answers to come when there is no database to keep them.
    bank.on(endpoint, async (_received, response) => {
      await sleep(BANK_DELAY_MS)
      json(response, 200, { success: true, data: {} })
    })
  }
  await using server = await startServer(cluster.url, bank.url)
  const token = await mintToken('ada')
  const acknowledged = new Map<string, string>()
  const orders: string[] = []
  /** Those of which the server has forgotten what the bank answered. */
  const lost: string[] = []
  const refusals: { status: number; retryAfter: string | null }[] = []
  let isOver = false
  const caller = async (_: unknown, n: number) => {
    while (!isOver) {
      const call = newCall(token, n % 3 === 0 ? 'order' : 'place')
      if (call.action === 'order') orders.push(call.name)
      // One call, until it has a final answer.
      for (let isFinal = false; !isFinal; ) {
        const answer = await send(server.url, call)
        isFinal = answer.status === 200 || saysThatOutcomeIsUnknown(answer)
        if (saysThatOutcomeIsUnknown(answer)) lost.push(call.name)
        else if (isFinal) acknowledged.set(call.name, (answer.json.data as { recordId: string }).recordId)
        else {
          refusals.push({ status: answer.status, retryAfter: answer.headers.get('retry-after') })
          await sleep(100)
        }
      }
    }
  }
  const load = Promise.all(Array.from({ length: CALLERS }, caller))
  const until = (count: number) => expect.poll(() => acknowledged.size).toBeGreaterThan(count)
  await until(50)
  await cluster.stop()
  const ready = await fetch(`${server.url}/readyz`)
  expect(ready.status).toBe(503)
  await sleep(STOPPED_MS)
  await expect.poll(() => refusals.some(({ status }) => status === 503)).toBe(true)
  const before = acknowledged.size
  await cluster.start()
  await until(before + 50)
  isOver = true
  await load

  expect(refusals.length).toBeGreaterThan(0)
  // A conflict is a key whose holder has not ended yet.
  expect(refusals.filter(({ status }) => status !== 503 && status !== 409)).toEqual([])
  expect(refusals.filter(({ status }) => status === 503).length).toBeGreaterThan(0)
  // What the bank answered meanwhile was kept in mind until there was a database to keep it.
  expect(lost).toEqual([])
  for (const name of orders) expect(bankCalls(bank, name)).toEqual([1, 1])
  for (const { retryAfter } of refusals) expect(Number(retryAfter)).toBeGreaterThan(0)
  await using truth = lookAt(cluster.url)
  for (const [name, recordId] of acknowledged) expect(await truth.effects(name)).toEqual([recordId])
  expect(await truth.inconsistencies()).toEqual([])
}, 300_000)
