import { afterAll, beforeAll, expect, it } from 'vitest'
import { startUpstream, type Upstream } from '../integrations/upstream.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { bankCalls } from './bank-calls.ts'
import { newCall, saysThatOutcomeIsUnknown, send } from './call.ts'
import type { Death } from './death.ts'
import { mintToken } from './fault-app.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { lookAt, type Truth } from './truth.ts'

let opened: TestDatabase
let bank: Upstream
let truth: Truth
let server: ServerProcess
let token: string
const start = () => startServer(opened.url ?? '', bank.url)
beforeAll(async () => {
  opened = await openTestDatabase()
  bank = await startUpstream()
  truth = lookAt(opened.url ?? '')
  token = await mintToken('ada')
  server = await start()
})
afterAll(async () => {
  await server.kill()
  await truth[Symbol.asyncDispose]()
  await bank[Symbol.asyncDispose]()
  await opened[Symbol.asyncDispose]()
})

const deaths: (Death & { readonly isDone: boolean; readonly isUnknown: boolean })[] = [
  { point: 'after-claim', nth: 1, isDone: false, isUnknown: false },
  { point: 'after-step-sent', nth: 1, isDone: false, isUnknown: true },
  { point: 'after-step-sent', nth: 2, isDone: false, isUnknown: true },
  { point: 'after-step-answered', nth: 1, isDone: false, isUnknown: false },
  { point: 'after-step-answered', nth: 2, isDone: false, isUnknown: false },
  { point: 'before-commit', nth: 1, isDone: false, isUnknown: false },
  { point: 'after-commit', nth: 1, isDone: true, isUnknown: false },
  { point: 'before-respond', nth: 1, isDone: true, isUnknown: false },
]

it.each(deaths)(
  'a server killed at $point (time $nth): the call, repeated, is done once',
  async ({ isDone, isUnknown, ...death }) => {
    const call = newCall(token, 'order')
    await server.dieAt(death)
    await expect(send(server.url, call)).rejects.toThrow('fetch failed')
    expect(await server.ended).toEqual({ code: null, signal: 'SIGKILL' })
    server = await start()
    // The dead server's backend is gone once it has seen that nobody is there.
    await expect
      .poll(
        () =>
          truth.sql`select 1 from pg_stat_activity where state like 'idle in tr%' and datname = current_database()`,
      )
      .toEqual([])
    expect(await truth.effects(call.name)).toHaveLength(isDone ? 1 : 0)
    expect(await truth.inconsistencies()).toEqual([])
    if (!isDone) expect((await send(server.url, call)).text).toContain('still running')

    await truth.endLease(call.key)
    const answers = [await send(server.url, call), await send(server.url, call)]
    for (const answer of answers) {
      if (isUnknown) expect(answer).toSatisfy(saysThatOutcomeIsUnknown)
      else expect(answer).toMatchObject({ status: 200, text: answers[0]?.text })
    }
    expect(answers.map(({ headers }) => headers.get('idempotency-replayed'))).toEqual(
      isUnknown ? [null, null] : [isDone ? 'true' : null, 'true'],
    )
    expect(await truth.effects(call.name)).toHaveLength(isUnknown ? 0 : 1)
    // The one that the server died over was noted, and never left.
    expect(bankCalls(bank, call.name)).toEqual(isUnknown ? [death.nth - 1, 0] : [1, 1])
    expect(await truth.inconsistencies()).toEqual([])
    // The audit tells who spent the owner's money, also where the server died that spent it.
    const spent = { actor: 'ada', payers: ['owner'] }
    expect(await spendersOf(call.name)).toEqual(
      isUnknown ? answers.map(() => ({ ...spent, outcome: 'BAD_GATEWAY' })) : [{ ...spent, outcome: 'OK' }],
    )
  },
)

const spendersOf = async (name: string) => [
  ...(await truth.sql`select log.actor, payers, outcome from deputy.audit_log as log join deputy.audit_detail as detail using (id)
    where outcome <> 'CONFLICT' and detail.input::json->>'name' = ${name}`),
]
