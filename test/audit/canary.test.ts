import { randomUUID } from 'node:crypto'
import { actionRegistry, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { action, ownerAction } from '../fixture/deputy.ts'
import { post } from '../http/send.ts'
import { startUpstream, type Upstream } from '../integrations/upstream.ts'
import { createTestApp } from '../support/test-app.ts'

const FIELD = `canary-field-${randomUUID()}`
const ENVIRONMENT = `canary-env-${randomUUID()}`
const OWNER_TOKEN = 'canary.owner.token'
const STARTS_AT = new Date('2030-01-01T18:00:00Z')

const input = z.strictObject({
  what: z.string(),
  password: z.string().max(200).meta({ secret: true }),
  byKey: z.record(z.string().meta({ secret: true }), z.number()).optional(),
  header: z.templateLiteral(['Bearer ', z.string().meta({ secret: true })]).optional(),
  nested: z.array(z.strictObject({ pin: z.string().meta({ secret: true }) })).optional(),
})

/** One action that fails in every way that there is, with secrets in its hands. */
const actions = actionRegistry({
  everything: action.input(input).mutation(async ({ ctx, input: { what } }) => {
    const event = { title: 'x', startsAt: STARTS_AT, capacity: 1 }
    switch (what) {
      case 'conflict': {
        const id = randomUUID()
        await ctx.tools.create('events', event, id)
        const attendee = { eventId: id, attendeeId: 'a' }
        await ctx.tools.create('attendees', attendee)
        return ctx.tools.create('attendees', attendee)
      }
      case 'check':
        return ctx.tools.create('events', { ...event, capacity: -1 })
      case 'missing':
        return ctx.tools.get('events', 'nobody')
      case 'sql':
        return ctx.tools.sql(async (database) => String(await database.execute('select nonsense')))
      case 'refused':
        return fail('PAYMENT_REQUIRED', 'No.')
      case 'throw':
        throw new Error('for another reason')
      case 'unsendable':
        return ok({ value: Number.NaN })
      case 'integration': {
        const sent = await ctx.tools.integration('bank/charge', { amount: 1 })
        return sent.success ? ok(sent.data) : sent
      }
      case 'once':
        return ctx.tools.once('outside', () => 'done')
      default:
        return ctx.tools.create('events', event)
    }
  }),
  owners: ownerAction.input(input).mutation(async () => ok(null)),
})

const open = (bank: Upstream) =>
  createTestApp({
    actions,
    apiWorkerUrl: bank.url,
    ownerJwt: OWNER_TOKEN,
    appEnv: { SECRET: ENVIRONMENT },
  })
let bank: Upstream
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  bank = await startUpstream()
  app = await open(bank)
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await bank[Symbol.asyncDispose]()
})

it('secrets are in no answer, no log and no row, whatever goes wrong', async () => {
  const url = await app.listen()
  const token = await app.token('ada')
  const answers: string[] = []
  const send = async (what: string, more: object = {}, path = 'actions/everything', bearer = token) => {
    const body = JSON.stringify({
      what,
      password: FIELD,
      nested: [{ pin: FIELD }],
      byKey: { [FIELD]: 1 },
      header: `Bearer ${FIELD}`,
      ...more,
    })
    for (const transport of ['rest', 'trpc'] as const) {
      const address = transport === 'rest' ? `${url}/api/${path}` : `${url}/trpc/${path.replace('/', '.')}`
      const answer = await post(address, {
        token: bearer,
        headers: { 'idempotency-key': randomUUID() },
        body: transport === 'rest' ? body : `{"json":${body}}`,
      })
      answers.push(answer.text, JSON.stringify([...answer.headers]))
    }
  }
  const ways = [
    'fine',
    'conflict',
    'check',
    'missing',
    'sql',
    'refused',
    'throw',
    'unsendable',
    'integration',
    'once',
  ]
  for (const what of ways) await send(what)
  await send('denied', {}, 'actions/owners')
  await send('unknown', {}, 'actions/nothing')
  await send('extra', { [`x${FIELD.length}`]: 1 })
  await send('wrong member of a secret key', { byKey: { [FIELD]: 'x' } })
  await send('wrong type', { password: { of: FIELD } })
  await send('too long', { password: FIELD.repeat(20) })
  await send('bad token', {}, 'actions/everything', `${token.slice(0, -20)}${'x'.repeat(20)}`)
  // The bank fails in every way, and says what it was sent.
  for (const status of [400, 401, 402, 429, 500, 503]) {
    bank.on('bank/charge', ({ authorization }, response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: `You sent ${authorization}` }))
    })
    await send('integration')
  }
  bank.on('bank/charge', (_received, response) => response.destroy())
  await send('integration')
  bank.on('bank/charge', (_received, response) => response.end('<html>'))
  await send('integration')

  const tables = [
    'deputy.audit_log',
    'deputy.audit_detail',
    'deputy.idempotency_claims',
    'deputy.idempotency_results',
    'deputy.journal_steps',
    'events',
  ]
  const rows = await Promise.all(
    tables.map(
      async (table) =>
        (await app.database.query({ sql: `select t::text from ${table} as t`, params: [] })).rows,
    ),
  )
  const [log] = rows
  expect(log?.length).toBeGreaterThan(30)
  const everywhere = { answers, rows, logged: app.logged }
  for (const [place, text] of Object.entries(everywhere)) {
    for (const secret of [FIELD, ENVIRONMENT, OWNER_TOKEN, token]) {
      expect(JSON.stringify(text).includes(secret), `${secret} in ${place}`).toBe(false)
    }
  }
})
