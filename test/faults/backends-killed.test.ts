import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startUpstream } from '../integrations/upstream.ts'
import { openTestDatabase } from '../support/database.ts'
import { shortened } from '../support/shortened.ts'
import { newCall, send } from './call.ts'
import { mintToken } from './fault-app.ts'
import { startServer } from './server-process.ts'
import { lookAt } from './truth.ts'

const ROUNDS = shortened({ short: 60, whole: 200 })
const CALLERS = 12
const MAX_PAUSE_MS = 200

it(`all connections are ended ${ROUNDS} times under load: no half of a transaction is ever seen, and keys tell what was committed`, async () => {
  await using opened = await openTestDatabase()
  await using bank = await startUpstream()
  await using truth = lookAt(opened.url ?? '')
  await using server = await startServer(opened.url ?? '', bank.url)
  const token = await mintToken('ada')
  const done = new Map<string, string>()
  let ambiguous = 0
  let isOver = false
  const caller = async () => {
    while (!isOver) {
      const call = newCall(token, 'place')
      for (;;) {
        const answer = await send(server.url, call)
        if (answer.status === 200) {
          done.set(call.name, (answer.json.data as { recordId: string }).recordId)
          break
        }
        if (answer.text.includes('"outcome":"unknown"')) ambiguous += 1
        expect([answer.status, answer.text]).toEqual([
          expect.toSatisfy((status) => [409, 503].includes(status)),
          expect.any(String),
        ])
        await sleep(20)
      }
    }
  }
  const load = Promise.all(Array.from({ length: CALLERS }, caller))
  let ended = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    await sleep(Math.random() * MAX_PAUSE_MS)
    // However slow the machine is, some calls come through between the ends.
    while (done.size < round) await sleep(20)
    await expect.poll(truth.connections).toBeGreaterThan(1)
    ended += await truth.terminateAll()
    if (round % 10 === 0) expect(await truth.inconsistencies()).toEqual([])
  }
  isOver = true
  await load
  console.info(`${ended} connections ended: ${done.size} calls done, ${ambiguous} answers that did not know`)
  expect(ended).toBeGreaterThan(ROUNDS)
  expect(done.size).toBeGreaterThan(50)
  for (const [name, recordId] of done) expect(await truth.effects(name)).toEqual([recordId])
  expect(await truth.inconsistencies()).toEqual([])
}, 240_000)
