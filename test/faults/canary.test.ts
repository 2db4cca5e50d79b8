import { randomUUID } from 'node:crypto'
import { actionRegistry, fail, ok } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { openPostgres } from '../../server/db/postgres.ts'
import { createIntegrations } from '../../server/integrations/create-integrations.ts'
import { createHttpClient } from '../../server/integrations/http-client.ts'
import type { FailpointName } from '../../server/invocation/engine.ts'
import { createApp } from '../../server/lifecycle/create-app.ts'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import * as collections from '../fixture/collections.ts'
import { action, roleAction } from '../fixture/deputy.ts'
import { type Answer, get, post } from '../http/send.ts'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { holdingContract } from '../support/contract-check.ts'
import { createTestApp } from '../support/test-app.ts'
import { lookAt, type Truth } from './truth.ts'

/** What must not come out anywhere; each is found again in whatever text holds it. */
const SECRETS = {
  claim: `claim-${randomUUID()}`,
  field: `field-${randomUUID()}`,
  env: `env-${randomUUID()}`,
  row: `row-${randomUUID()}`,
}
/** Names what the log may hold, and nothing else: it is the handler's own sentence. */
const THROWN = `thrown-${randomUUID()}`

const pin = z.strictObject({ pin: z.string().meta({ secret: true }) })
const input = z.strictObject({
  name: z.string(),
  password: z.string().min(20).meta({ secret: true }),
  more: z.array(z.union([z.number(), pin])).optional(),
})
const event = (title: string) => ({ title, startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 10 })

const actions = actionRegistry({
  keep: action.input(input).mutation(async ({ ctx, input }) => {
    const made = await ctx.tools.create('events', event(input.name))
    if (!made.success) return made
    const { recordId: eventId } = made.data
    return ctx.tools.create('attendees', { eventId, attendeeId: SECRETS.row })
  }),
  look: action.input(input).query(async ({ ctx }) => ctx.tools.count('events')),
  manage: roleAction('admin')
    .input(input)
    .mutation(({ ctx, input }) => ctx.tools.create('events', event(input.name))),
  conflict: action.input(input).mutation(async () => fail('CONFLICT', 'Not now.')),
  unique: action.input(input).mutation(async ({ ctx, input }) => {
    const made = await ctx.tools.create('events', event(input.name))
    if (!made.success) return made
    const guest = { eventId: made.data.recordId, attendeeId: SECRETS.row }
    await ctx.tools.create('attendees', guest)
    return ctx.tools.create('attendees', guest)
  }),
  check: action
    .input(input)
    .mutation(({ ctx }) => ctx.tools.create('events', { ...event(SECRETS.row), capacity: -1 })),
  cast: action
    .input(input)
    .mutation(({ ctx, input }) =>
      ctx.tools
        .sql((database) => database.execute(sql`select ${input.password}::text::int`))
        .then(() => ok('no')),
    ),
  syntax: action
    .input(input)
    .mutation(({ ctx, input }) =>
      ctx.tools.sql((database) => database.execute(sql`selekt ${input.password}`)).then(() => ok('no')),
    ),
  die: action.input(input).mutation(async ({ ctx, input }) => {
    await ctx.tools.create('events', event(SECRETS.row))
    await ctx.tools.sql((database) =>
      database.execute(sql`select pg_terminate_backend(pg_backend_pid()), ${input.password}::text`),
    )
    return ok('no')
  }),
  slow: action
    .input(input)
    .meta({ deadlineMs: 200 })
    .mutation(({ ctx, input }) =>
      ctx.tools
        .sql((database) => database.execute(sql`select pg_sleep(5), ${input.password}::text`))
        .then(() => ok('no')),
    ),
  thrower: action.input(input).mutation(async () => {
    throw new Error(THROWN)
  }),
  odd: action.input(input).mutation(async ({ input }) => input.password as never),
  unsendable: action.input(input).mutation(async ({ input }) => ok({ show: () => input.password }) as never),
  bank: action.input(input).mutation(async ({ ctx, input }) => {
    await ctx.tools.create('events', event(input.name))
    const { password } = input
    return ctx.tools.integration('bank/charge', { password, env: `${ctx.env.PLATFORM_URL}` })
  }),
  translate: action.input(input).mutation(async ({ ctx, input }) => {
    await ctx.tools.create('events', event(input.name))
    return ctx.tools.integration('translator/translate', { text: input.password })
  }),
  platform: action.input(input).mutation(async ({ ctx }) => {
    const baseUrl = ctx.env.PLATFORM_URL ?? ''
    const asked = await ctx.tools.once('me', async () => {
      const answer = await ctx.getFromPlatform({ baseUrl, path: '/me' })
      return answer.success ? 'answered' : answer.error
    })
    return asked.success ? fail('BAD_GATEWAY', asked.data) : asked
  }),
})

let app: Awaited<ReturnType<typeof createTestApp>>
let bank: Upstream
let truth: Truth
let http: Listening
/** The same app, with little time for providers: for one that does not answer at all. */
let impatient: Listening
let token: string
let ownerJwt: string
let onFailpoint: (name: FailpointName) => unknown = () => {}
let close: () => Promise<void>
const answers: string[] = []

beforeAll(async () => {
  bank = await startUpstream()
  app = await createTestApp()
  truth = lookAt(app.databaseUrl ?? '')
  token = await app.token('ada', { canary: SECRETS.claim })
  ownerJwt = await app.token('owner', { canary: SECRETS.claim })
  const database = openPostgres({ url: app.databaseUrl ?? '', max: 4 })
  const { verifier, log } = app.engine
  const outbound = createHttpClient({ allowPrivate: [new URL(bank.url).host] })
  const serve = (proxyTimeoutMs: number) => {
    const server = createApp({
      database,
      collections,
      actions,
      verifier,
      log,
      ownerUserId: 'owner',
      aroundAnswer: holdingContract,
      appEnv: { PLATFORM_URL: `${bank.url}/${SECRETS.env}` },
      http: outbound,
      integrations: createIntegrations({
        declarations: { translator: { billing: 'user', clients: 'none' } },
        env: () => undefined,
        apiWorkerUrl: new URL(bank.url),
        ownerJwt,
        ownerUserId: 'owner',
        http: outbound,
        log,
        proxyTimeoutMs,
      }),
      failpoint: async (name) => {
        await onFailpoint(name)
      },
    })
    return listen({ http: server.http, host: '127.0.0.1', port: 0 })
  }
  http = await serve(60_000)
  impatient = await serve(300)
  close = async () => {
    await http.close(1_000)
    await impatient.close(1_000)
    await outbound.close()
    await database.close()
  }
})
afterAll(async () => {
  await close()
  await truth[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await bank[Symbol.asyncDispose]()
})

const body = () => ({
  name: randomUUID(),
  password: SECRETS.field,
  more: [1, { pin: SECRETS.field }],
})

function noted(answer: Answer): Answer {
  answers.push(answer.text, JSON.stringify([...answer.headers]))
  return answer
}

interface Sending {
  readonly body?: unknown
  readonly key?: string
  readonly token?: string
  /** @default http */
  readonly to?: Listening
}

/** Sends a call over REST, with a key unless it must have none, and the same over tRPC. */
async function call(name: string, sending: Sending = {}): Promise<Answer> {
  const given = sending.body ?? body()
  const options = (key: string | undefined) => ({
    token: sending.token ?? token,
    headers: key === undefined ? {} : { 'idempotency-key': key },
  })
  const key = sending.key ?? randomUUID()
  const text = typeof given === 'string' ? given : JSON.stringify({ json: given })
  const { url } = sending.to ?? http
  noted(await post(`${url}/trpc/actions.${name}`, { ...options(`trpc-${key}`), body: text }))
  return noted(
    await post(`${url}/api/actions/${name}`, {
      ...options(key),
      body: typeof given === 'string' ? given : JSON.stringify(given),
    }),
  )
}

/** What the bank does with a request that holds secrets. */
const bankAnswers = {
  echoes: 200,
  'echoes with a refusal': 402,
  'echoes with a breakdown': 500,
} as const

it('no secret comes out of any error, by any way', async () => {
  // What works, and what is answered again.
  expect((await call('keep', { key: 'kept' })).status).toBe(200)
  const [again] = [await call('keep', { key: 'kept', body: body() })]
  expect(again?.status).toBe(422)
  const query = encodeURIComponent(JSON.stringify({ json: body() }))
  expect(noted(await get(`${http.url}/trpc/actions.look?input=${query}`, { token })).status).toBe(200)
  expect(noted(await get(`${http.url}/trpc/actions.keep?input=${query}`, { token })).status).toBe(405)
  expect(noted(await get(`${http.url}/trpc/actions.none?input=${query}`, { token })).status).toBe(404)

  // Bad input, with the secret in what is wrong about it.
  const bad: unknown[] = [
    { ...body(), name: 1 },
    { ...body(), password: SECRETS.field.slice(0, 19) },
    { ...body(), password: [SECRETS.field] },
    { ...body(), password: { [SECRETS.field]: SECRETS.field } },
    { ...body(), more: [{ pin: [SECRETS.field] }] },
    { ...body(), more: SECRETS.field },
    { ...body(), other: SECRETS.field },
    { ...body(), password: `${SECRETS.field}\0` },
    `{"password":"${SECRETS.field}" oops`,
    `"${SECRETS.field}"`,
  ]
  for (const wrong of bad) expect((await call('keep', { body: wrong })).status).toBe(400)
  expect((await call('keep', { body: { ...body(), name: SECRETS.field.repeat(60_000) } })).status).toBe(413)

  // Tokens that are refused.
  const forged = await new SignJWT({ sub: 'ada', canary: SECRETS.claim })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(SECRETS.claim.repeat(2)))
  const expired = await app.token('ada', { canary: SECRETS.claim, exp: 1 })
  for (const refused of [forged, expired, `${token}x`, SECRETS.claim])
    expect((await call('keep', { token: refused })).status).toBe(401)

  const failing: readonly (readonly [string, number])[] = [
    ['manage', 403],
    ['conflict', 409],
    ['unique', 409],
    ['check', 400],
    ['cast', 400],
    ['syntax', 500],
    ['die', 503],
    ['slow', 504],
    ['thrower', 500],
    ['odd', 500],
    ['unsendable', 500],
  ]
  for (const [name, status] of failing) expect([name, (await call(name)).status]).toEqual([name, status])

  // Providers that say back what they were sent.
  for (const endpoint of ['bank/charge', 'translator/translate']) {
    const name = endpoint.startsWith('bank') ? 'bank' : 'translate'
    for (const [what, status] of Object.entries(bankAnswers)) {
      bank.on(endpoint, ({ authorization }, response) => {
        const error = `You sent ${authorization}`
        json(response, status, { success: status === 200, data: error, error, message: error })
      })
      const answer = await call(name)
      expect([what, answer.status]).toEqual([what, status === 500 ? 502 : status])
    }
    bank.on(endpoint, (_received, response) => response.destroy())
    expect((await call(name)).status).toBe(502)
    bank.on(endpoint, () => {})
    expect((await call(name, { to: impatient })).status).toBe(504)
    bank.on(endpoint, ({ authorization }, response) => response.writeHead(200).end(`<p>${authorization}`))
    expect((await call(name)).status).toBe(502)
  }
  expect((await call('platform')).status).toBe(502)

  // The database dies when a call commits, when it claims its key, and when it notes a step.
  for (const point of ['before-commit', 'after-claim', 'after-step-sent'] as const) {
    onFailpoint = async (name) => {
      if (name !== point) return
      onFailpoint = () => {}
      await truth.terminateAll()
    }
    await call('bank')
  }
  onFailpoint = () => {}

  const kept = await Promise.all(
    ['audit_log', 'audit_detail', 'idempotency_claims', 'idempotency_results', 'journal_steps'].map((table) =>
      truth.sql.unsafe(`select row_to_json(t)::text as row from deputy.${table} as t`),
    ),
  )
  // What a call has logged is kept with its audit, for the owner.
  const withoutLog = kept.map((rows) => rows.map(({ row }) => ({ ...JSON.parse(row), log: null })))
  const places = {
    answers: answers.join('\n'),
    log: JSON.stringify(app.logged),
    tables: JSON.stringify(kept),
  }
  // The net has no holes: there is something in each of them, and what is not secret is found.
  expect(places.log).toContain(THROWN)
  expect(places.tables).toContain('[secret]')
  expect(kept.map((rows) => rows.length > 0)).toEqual([true, true, true, true, true])
  // A token is known by either of the parts that are its own.
  const tokens = [token, ownerJwt, forged, expired].flatMap((text) => text.split('.').slice(1))
  for (const [place, text] of Object.entries(places)) {
    for (const secret of [...Object.values(SECRETS), SECRETS.field.slice(0, 19), ...tokens])
      expect(text.includes(secret), `${secret.slice(0, 20)} in ${place}: ${around(text, secret)}`).toBe(false)
  }
  expect(places.answers).not.toContain(THROWN)
  expect(places.tables).toContain(THROWN)
  expect(JSON.stringify(withoutLog).includes(THROWN)).toBe(false)
}, 300_000)

function around(text: string, secret: string): string {
  const at = text.indexOf(secret)
  return at < 0 ? '' : text.slice(Math.max(0, at - 300), at + 100)
}
