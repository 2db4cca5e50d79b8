import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { FailpointName } from '../../server/invocation/engine.ts'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { sweepAllReservations } from '../../server/ledger/sweep.ts'
import { startDispatcher } from '../../server/queue/dispatcher.ts'
import { post } from '../http/send.ts'
import { eventData } from '../invocation/probe.ts'
import { type How, marketEnv } from '../ledger/market.ts'
import { type Market, openMarket } from '../ledger/open-market.ts'

const OWNER_TOKEN = `canary.${randomUUID()}.token`
const PROMPT = `canary-prompt-${randomUUID()}`
const { DEV_KEY = '', OWN_KEY = '', BASIC_KEY = '' } = marketEnv('')
const BASIC = Buffer.from(`app:${BASIC_KEY}`).toString('base64')

let market: Market
let onFailpoint: (name: FailpointName) => void = () => {}
const answers: string[] = []
const tokens: string[] = []
beforeAll(async () => {
  market = await openMarket({
    ownerJwt: OWNER_TOKEN,
    budgets: { ...DEFAULT_BUDGETS, caller: { calls: 60, credits: undefined } },
    failpoint: (name) => onFailpoint(name),
  })
})
afterAll(() => market[Symbol.asyncDispose]())

/** A user of the test's own: whoever asks often has a budget that ends. */
async function newCaller(credits = 1_000_000) {
  const user = `user-${randomUUID()}`
  if (credits > 0) await market.fund(user, credits)
  const token = await market.app.token(user, { canary: `canary-claim-${randomUUID()}` })
  tokens.push(token)
  const url = await market.app.listen()
  const send = async (path: string, body: unknown, sent: string | undefined = token) => {
    const headers = sent === undefined ? {} : { 'idempotency-key': randomUUID() }
    const answer = await post(`${url}/${path}`, { token: sent, headers, body: JSON.stringify(body) })
    answers.push(answer.text, JSON.stringify([...answer.headers]))
    return answer.status
  }
  return {
    send,
    /** Calls without an action, over REST and tRPC. @returns the status over REST */
    async call(endpoint: string, data: Readonly<Record<string, unknown>>) {
      await send('trpc/integrations.request', { json: { endpoint, data } })
      return send(`api/integrations/${endpoint}`, data)
    },
    act: (handler: Parameters<Market['act']>[0]) =>
      market.act(handler, { user, over: 'rest', key: randomUUID() }).then(
        (answer) => answers.push(JSON.stringify(answer)),
        (error: unknown) => answers.push(String(error)),
      ),
  }
}

const sale = (how: How) => ({ id: randomUUID(), how, prompt: PROMPT })
const HOWS: readonly (readonly [How, number])[] = [
  ['ok', 200],
  ['refuses', 422],
  ['echoes', 422],
  ['breaks', 502],
  ['html', 502],
  ['other shape', 502],
  ['redirects', 502],
  ['resets', 502],
]

it('no secret comes out of a paid call, whatever becomes of it', async () => {
  await market.fund('owner', 1_000_000)
  for (const integration of ['dev', 'own', 'open', 'proxied-dev', 'proxied-own']) {
    const caller = await newCaller()
    const endpoint = `${integration}/${integration.startsWith('proxied') ? 'buy' : 'meter'}`
    for (const [how, status] of HOWS) {
      const wanted = how === 'other shape' && integration.startsWith('proxied') ? 200 : status
      // What is undeclared of a success is the caller's to see, and so is not said in this test.
      if (wanted === 200 && how !== 'ok') continue
      // What only the proxy knows has no fields that could be marked.
      const said = integration.startsWith('proxied') ? { ...sale(how), prompt: undefined } : sale(how)
      expect([endpoint, how, await caller.call(endpoint, said)]).toEqual([endpoint, how, wanted])
      await caller.act(async (ctx) => {
        await ctx.tools.create('events', eventData())
        return ctx.tools.integration(endpoint, sale(how))
      })
    }
  }
  const ada = await newCaller()
  expect(await ada.call('own/brief', sale('hangs'))).toBe(504)
  expect(await ada.call('internal/buy', sale('ok'))).toBe(502)
  expect(await ada.call('own/meter', { ...sale('ok'), isPriceless: true })).toBe(412)
  expect(await ada.call('own/meter', { ...sale('ok'), total: 'throws' })).toBe(200)
  expect(await ada.call('own/meter', { ...sale('ok'), prompt: PROMPT.repeat(10) })).toBe(400)
  expect(await ada.call('own/meter', { ...sale('ok'), other: PROMPT })).toBe(400)
  expect(await ada.send('api/integrations/own/meter', sale('ok'), 'canary.bad.token')).toBe(401)

  // Nobody to pay for it, and no budget.
  expect(await (await newCaller(0)).call('own/meter', sale('ok'))).toBe(402)
  const eager = await newCaller()
  let status = 200
  for (let nth = 0; nth < 40 && status === 200; nth += 1) status = await eager.call('dev/buy', sale('ok'))
  expect(status).toBe(429)

  // Calls that break off: while one is reserved, sent and answered.
  for (const point of ['after-reserve', 'after-step-sent', 'after-step-answered', 'before-commit'] as const) {
    onFailpoint = (name) => {
      if (name === point) throw new Error('broken off')
    }
    await ada.act(async (ctx) => {
      await ctx.tools.create('events', eventData())
      return ctx.tools.integration('dev/meter', sale('ok'))
    })
  }
  onFailpoint = () => {}
  await market.change("update deputy.credit_holds set lease_until = now() - interval '1 second'")
  await sweepAllReservations(market.app.database)

  // Messages that never arrive.
  const dispatcher = startDispatcher({ ...market.app.engine, intervalMs: 20 })
  for (const endpoint of ['dev/keyed', 'open/buy', 'proxied-dev/buy'])
    await ada.act((ctx) => ctx.tools.enqueue(endpoint, sale('echoes')))
  await ada.act((ctx) => ctx.tools.enqueue('dev/keyed', sale('resets')))
  const dead = () => market.rows("select 1 from deputy.queue where state = 'dead' or attempts > 0")
  await expect.poll(async () => (await dead()).length).toBe(4)
  await dispatcher.stop(5_000)

  // What a message says is kept until it has arrived; nothing else of it may be.
  const columns = await market.rows(
    `select table_schema || '.' || table_name, column_name from information_schema.columns
     where table_schema in ('public', 'deputy') and (table_schema, table_name, column_name) <> ('deputy', 'queue', 'data')`,
  )
  const kept = new Map<string, string>()
  for (const table of new Set(columns.map(([table]) => String(table)))) {
    const names = columns.filter(([of]) => of === table).map(([, column]) => `"${column}"`)
    kept.set(table, JSON.stringify(await market.rows(`select row(${names})::text from ${table}`)))
  }
  // The net has no holes: the secrets were sent, and there is something in each place.
  const seen = JSON.stringify(market.provider.received)
  for (const secret of [DEV_KEY, OWN_KEY, BASIC, OWNER_TOKEN, PROMPT, ...tokens.slice(4, 5)])
    expect(seen.includes(secret), `${secret} was not sent`).toBe(true)
  for (const table of [
    'deputy.audit_log',
    'deputy.audit_detail',
    'deputy.credit_entries',
    'deputy.journal_steps',
    'deputy.idempotency_results',
    'deputy.queue',
  ])
    expect(kept.get(table), table).not.toBe('[]')
  expect(kept.get('deputy.audit_detail')).toContain('[secret]')
  const places = {
    answers: answers.join('\n'),
    log: JSON.stringify(market.app.logged),
    ...Object.fromEntries(kept),
  }
  // A token is known by either of the parts that are its own.
  const parts = tokens.flatMap((token) => token.split('.').slice(1))
  for (const [place, text] of Object.entries(places))
    for (const secret of [DEV_KEY, OWN_KEY, BASIC_KEY, BASIC, OWNER_TOKEN, PROMPT, ...parts])
      expect(text.includes(secret), `${secret} in ${place}: ${around(text, secret)}`).toBe(false)
}, 120_000)

function around(text: string, secret: string): string {
  const at = text.indexOf(secret)
  return at < 0 ? '' : text.slice(Math.max(0, at - 300), at + 100)
}
