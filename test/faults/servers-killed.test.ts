import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startUpstream } from '../integrations/upstream.ts'
import { openTestDatabase } from '../support/database.ts'
import { type Call, newCall, saysThatOutcomeIsUnknown, send } from './call.ts'
import { mintToken } from './fault-app.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { lookAt } from './truth.ts'

const CALLERS = 12
const KILLS = 6
const MIN_DONE = 100
const KILL_EVERY_MS = 1_000

it('three servers of which one is killed every second: every call is finished, each exactly once', async () => {
  await using opened = await openTestDatabase()
  await using bank = await startUpstream()
  await using truth = lookAt(opened.url ?? '')
  const start = () => startServer(opened.url ?? '', bank.url)
  const servers = await Promise.all([start(), start(), start()])
  const token = await mintToken('ada')
  const done = new Map<string, string>()
  const unknown = new Set<string>()
  let isOver = false

  /** Sends a call to one server after the other until its answer is final. */
  const finish = async (call: Call & { readonly name: string }) => {
    for (let n = Math.floor(Math.random() * servers.length); ; n += 1) {
      const { url } = servers[n % servers.length] as ServerProcess
      const answer = await send(url, call).catch(() => undefined)
      if (answer?.status === 200) {
        return done.set(call.name, (answer.json.data as { recordId: string }).recordId)
      }
      // The bank was asked, and nobody knows: that is a final answer, too.
      if (answer && saysThatOutcomeIsUnknown(answer)) return unknown.add(call.name)
      // A killed server's key is held until its lease ends; here that is at once.
      if (answer?.status === 409) await truth.endLease(call.key)
      else await sleep(50)
    }
  }
  const caller = async (_: unknown, n: number) => {
    while (!isOver) await finish(newCall(token, n % 3 === 0 ? 'order' : 'place'))
  }
  const load = Promise.all(Array.from({ length: CALLERS }, caller))
  let kills = 0
  // On a slow machine it takes more of them.
  for (; kills < KILLS || done.size <= MIN_DONE; kills += 1) {
    await sleep(KILL_EVERY_MS)
    await servers[kills % servers.length]?.kill()
    servers[kills % servers.length] = await start()
  }
  isOver = true
  await load
  for (const server of servers) await server.kill()

  console.info(`${kills} kills: ${done.size} calls done, ${unknown.size} with an unknown outcome`)
  for (const [name, recordId] of done) expect(await truth.effects(name)).toEqual([recordId])
  for (const name of unknown) expect(await truth.effects(name)).toEqual([])
  expect(await truth.inconsistencies()).toEqual([])
  // Nothing was bought twice.
  const charges = bank.calls('bank/charge').map(({ body }) => (body as { for: string }).for)
  expect(new Set(charges).size).toBe(charges.length)
}, 300_000)
