import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createClient } from '../../client/core/index.ts'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { action, internalAction, ownerAction, roleAction } from '../fixture/deputy.ts'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { fund } from '../ledger/ledger.ts'
import { type ReadStream, readStream } from '../live/read-stream.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'
import { get, post, rawRequest, sendRaw } from './send.ts'

const PRICE = 40
const integrations = defineIntegrations({
  callers: {
    billing: 'user',
    clients: 'users',
    direct: {
      baseUrl: { env: 'PROVIDER_URL' },
      endpoints: {
        send: endpoint({
          method: 'POST',
          path: '/send',
          input: z.strictObject({}),
          retries: 0,
          price: PRICE,
        }),
      },
    },
  },
})
type Calls = {
  [K in 'integration' | 'enqueue']: (name: string, data: object) => Promise<ActionResult<unknown>>
}
const nothing = z.strictObject({})
const buy = internalAction
  .input(nothing)
  .mutation(({ ctx }) => (ctx.tools as unknown as Calls).integration('callers/send', {}))
const actions = actionRegistry({
  whoAmI: action.input(nothing).query(async ({ ctx }) => {
    const { userId, isOwner, claims, verifiedEmail } = ctx
    return ok({ userId, isOwner, claims, verifiedEmail: verifiedEmail ?? null, role: await ctx.role() })
  }),
  make: action
    .input(z.strictObject({ title: z.string() }))
    .mutation(({ ctx, input }) =>
      ctx.asCaller.create('events', { ...input, startsAt: ctx.now, capacity: 1 }),
    ),
  token: action.input(nothing).mutation(async ({ ctx }) => ok(ctx.callerJwt)),
  pay: action
    .input(nothing)
    .mutation(({ ctx }) => (ctx.tools as unknown as Calls).integration('callers/send', {})),
  mail: action
    .input(nothing)
    .mutation(({ ctx }) => (ctx.tools as unknown as Calls).enqueue('callers/send', {})),
  queue: action
    .input(z.strictObject({ key: z.string().optional() }))
    .mutation(({ ctx, input: { key } }) =>
      ctx.tools.later(buy, {}, { as: 'caller', attempts: 1, ...(key === undefined ? {} : { key }) }),
    ),
  owned: ownerAction.input(nothing).query(async () => ok(null)),
  admins: roleAction('admin')
    .input(nothing)
    .query(async () => ok(null)),
  mine: action.input(nothing).query(({ ctx }) => ctx.tools.count('events', { createdBy: ctx.userId })),
  limited: action
    .input(nothing)
    .meta({ limit: { rate: 1, per: 'hour' } })
    .mutation(async () => ok(null)),
  buy,
})

/** How far the clock is ahead, in milliseconds. */
let aheadMs = 0
const open = (providerUrl: string, options: { mayActAs?: boolean } = {}) =>
  createTestApp({
    clock: () => new Date(Date.now() + aheadMs),
    livePace: { checkEveryMs: 100 },
    actions,
    integrations,
    integrationEnv: { PROVIDER_URL: providerUrl },
    corsOrigins: ['https://app.example.com'],
    ...options,
  })
let provider: Upstream
let app: Awaited<ReturnType<typeof open>>
let url: string
beforeAll(async () => {
  provider = await startUpstream()
  provider.onPath('/send', (_received, response) => json(response, 200, {}))
  app = await open(provider.url)
  url = await app.listen()
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})

const as = (user: string) => ({ 'deputy-act-as': encodeURIComponent(user) })
const owner = (headers: Readonly<Record<string, string>> = {}) =>
  app.token('owner').then((token) => ({ token, headers }))
const act = async (
  name: string,
  user: string,
  input: object = {},
  headers: Readonly<Record<string, string>> = {},
) =>
  post(`${url}/api/actions/${name}`, {
    ...(await owner({ ...as(user), ...headers })),
    body: JSON.stringify(input),
  })
const entriesOf = async (actor: string) => {
  const listed = await (await app.as('owner')).audit.list({ actor })
  return listed.success ? listed.data.entries : []
}
const setRole = (user: string, role: string) =>
  execute(
    app.database,
    app.databaseUrl,
    `insert into users (record_id, created_at, updated_at, role) values ('${user}', now(), now(), '${role}')
      on conflict (record_id) do update set role = excluded.role`,
  )

describe('a call of the owner as another user', () => {
  it('is one of that user: without their claims, with the role of their row', async () => {
    const user = randomUUID()
    await setRole(user, 'admin')
    const found = await act('whoAmI', user)
    expect(found.json).toMatchObject({
      data: { userId: user, isOwner: false, claims: { sub: user }, verifiedEmail: null, role: 'admin' },
    })
    expect(await act('admins', user)).toMatchObject({ status: 200 })
    expect((await act('whoAmI', 'zoë of 京都')).json).toMatchObject({
      data: { userId: 'zoë of 京都', role: 'member' },
    })
  })

  it('meets the gates that the user meets', async () => {
    expect(await act('owned', 'ada')).toMatchObject({ status: 403 })
    expect(await act('admins', 'ada')).toMatchObject({ status: 403 })
    expect(await act('owned', 'owner')).toMatchObject({ status: 200 })
    const grant = { ...(await owner(as('ada'))), body: JSON.stringify({ account: 'ada', amount: 1 }) }
    expect(await post(`${url}/api/credits/grant`, grant)).toMatchObject({ status: 403 })
    const lists = ['audit', 'jobs', 'outbox', 'schedules', 'credits/balances']
    for (const list of lists)
      expect(await get(`${url}/api/${list}`, await owner(as('ada')))).toMatchObject({ status: 403 })
  })

  it('is refused where the user is blocked, and taken again when they are not', async () => {
    const user = randomUUID()
    const admin = await app.as('owner')
    await admin.users.setBlocked({ userId: user, blocked: true })
    expect(await act('whoAmI', user)).toMatchObject({
      status: 403,
      json: { error: 'This user is blocked.' },
    })
    await admin.users.setBlocked({ userId: user, blocked: false })
    expect(await act('whoAmI', user)).toMatchObject({ status: 200 })
  })

  it('has no token of theirs to read', async () => {
    expect(await act('token', 'ada')).toMatchObject({
      status: 412,
      json: {
        error:
          'A call by the owner as another user has no token of its caller: ctx.callerJwt cannot be read here.',
      },
    })
  })

  it('is told in the audit with both names, whether it wrote or was refused', async () => {
    const user = randomUUID()
    await act('make', user, { title: 'As another' })
    await act('admins', user)
    expect(await entriesOf(user)).toMatchObject([
      { action: 'admins', outcome: 'FORBIDDEN', actedBy: 'owner' },
      { action: 'make', outcome: 'OK', actedBy: 'owner', writes: [['create', 'events', expect.any(String)]] },
    ])
    await (await app.as(user)).actions.make({ title: 'By themselves' })
    expect((await entriesOf(user))[0]).toMatchObject({ action: 'make', actedBy: null })
    expect(app.logged.filter(({ actor, msg }) => actor === user && msg === 'Call')).toMatchObject([
      { actedBy: 'owner' },
      { actedBy: 'owner' },
      { action: 'make' },
    ])
  })

  it('is paid by the owner, and so is what it sends and runs later', async () => {
    const user = randomUUID()
    await fund(app.database, 'owner', 1_000)
    await fund(app.database, user, 1_000)
    const available = async (account: string) => {
      const balance = await (await app.as('owner')).credits.balance({ account })
      return balance.success ? balance.data.available : Number.NaN
    }
    const before = await available('owner')
    const spent = async () => [before - (await available('owner')), 1_000 - (await available(user))]
    expect(await act('pay', user)).toMatchObject({ status: 200 })
    expect(await spent()).toEqual([PRICE, 0])
    expect(await act('mail', user)).toMatchObject({ status: 200 })
    await doAllDue(app.engine)
    expect(await spent()).toEqual([2 * PRICE, 0])
    for (const key of [undefined, randomUUID()]) expect((await act('queue', user, { key })).status).toBe(200)
    expect((await doAllDue(app.engine)).map(({ outcome }) => outcome?.kind)).toEqual(['done', 'done'])
    expect(await spent()).toEqual([4 * PRICE, 0])
    const jobs = (await entriesOf(user)).filter(({ source }) => source === 'later')
    expect(jobs).toMatchObject([{ actedBy: 'owner' }, { actedBy: 'owner' }])
    await (await app.as(user)).actions.queue({})
    await doAllDue(app.engine)
    expect(await spent()).toEqual([4 * PRICE, PRICE])
    expect((await entriesOf(user))[0]).toMatchObject({ source: 'later', actedBy: null })
  })

  it('has keys of its own: none is the user’s, the owner’s, or of another user', async () => {
    const [user, other, key] = [randomUUID(), randomUUID(), randomUUID()]
    const keyed = { 'idempotency-key': key }
    const first = await act('make', user, { title: 'Keyed' }, keyed)
    const again = await act('make', user, { title: 'Keyed' }, keyed)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.json).toEqual(first.json)
    const answers = [
      first,
      await act('make', other, { title: 'Keyed' }, keyed),
      await post(`${url}/api/actions/make`, { ...(await owner(keyed)), body: '{"title":"Keyed"}' }),
      await post(`${url}/api/actions/make`, {
        token: await app.token(user),
        headers: keyed,
        body: '{"title":"Keyed"}',
      }),
    ]
    expect(new Set(answers.map(({ text }) => text)).size).toBe(answers.length)
  })

  it('is counted for the owner, who has no limits, and not for the user', async () => {
    const user = randomUUID()
    for (let call = 0; call < 3; call += 1) expect((await act('limited', user)).status).toBe(200)
    const own = () => app.token(user).then((token) => post(`${url}/api/actions/limited`, { token }))
    expect([(await own()).status, (await own()).status]).toEqual([200, 429])
  })
})

const HOUR_SECONDS = 3_600
/** Waits for the end of a stream, an hour later. */
async function expires(stream: ReadStream): Promise<void> {
  aheadMs = HOUR_SECONDS * 1_000
  await stream.until(({ ended }) => ended !== undefined)
  expect(stream.ended).toMatchObject({ reason: 'expired' })
  aheadMs = 0
}

describe('every kind of call', () => {
  const title = 'Of each kind'
  const event = { title, startsAt: '2031-01-01T00:00:00Z', capacity: 3 }
  const made = async (user: string) => {
    const answer = await post(`${url}/api/records/events`, {
      ...(await owner(as(user))),
      body: JSON.stringify(event),
    })
    return (answer.json.data as { recordId: string }).recordId
  }
  const send = async (method: string, path: string, user: string, body?: object) => {
    const { token, headers } = await owner(as(user))
    return fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }

  it.each([
    ['query', 200, 404, (id: string, user: string) => send('GET', `/api/records/events/${id}`, user)],
    [
      'update',
      200,
      404,
      (id: string, user: string) => send('PATCH', `/api/records/events/${id}`, user, { capacity: 4 }),
    ],
    ['put', 200, 409, (id: string, user: string) => send('PUT', `/api/records/events/${id}`, user, event)],
    ['remove', 200, 404, (id: string, user: string) => send('DELETE', `/api/records/events/${id}`, user)],
  ] as const)('records: %s is under the rules of the user', async (_verb, own, foreign, call) => {
    const [user, other] = [randomUUID(), randomUUID()]
    const id = await made(user)
    const refused = await call(id, other)
    expect([refused.status, (await call(id, user)).status]).toEqual([foreign, own])
    expect((await entriesOf(user)).every(({ actedBy }) => actedBy === 'owner')).toBe(true)
  })

  it('records: create makes the user the owner of the record, and list shows what they see', async () => {
    const user = randomUUID()
    const id = await made(user)
    const listed = await get(`${url}/api/records/events`, await owner(as(user)))
    expect(listed.json).toMatchObject({ data: { count: 1, records: [{ recordId: id, createdBy: user }] } })
    const others = await get(`${url}/api/records/events`, await owner(as(randomUUID())))
    expect(others.json).toMatchObject({ data: { count: 0 } })
  })

  it('a dry run is the owner’s, of any action as any user, and shows all of it', async () => {
    const user = randomUUID()
    const dry = await act('make', user, { title }, { 'deputy-dry-run': 'true' })
    expect(dry.json).toMatchObject({
      data: {
        dryRun: {
          outcome: 'would commit',
          writes: [{ collection: 'events', operation: 'create' }],
        },
      },
    })
    expect(await entriesOf(user)).toMatchObject([{ outcome: 'dry-run', actedBy: 'owner' }])
  })

  it('a stream shows what the user sees, and ends with the owner’s token', async () => {
    const user = randomUUID()
    const id = await made(user)
    const stream = await readStream(`${url}/api/records/events`, {
      token: await app.token('owner', { exp: Math.floor(Date.now() / 1000) + HOUR_SECONDS }),
      headers: as(user),
    })
    await stream.until(({ last }) => last !== undefined)
    expect(stream.last).toMatchObject({ count: 1, records: [{ recordId: id }] })
    await expires(stream)
    stream.close()
  })

  it('a stream of an action is the user’s in each answer, and ends with the owner’s token', async () => {
    const user = randomUUID()
    const stream = await readStream(`${url}/api/actions/mine`, {
      token: await app.token('owner', { exp: Math.floor(Date.now() / 1000) + HOUR_SECONDS }),
      headers: as(user),
      input: {},
    })
    await stream.until(({ text }) => text.includes('"count":0'))
    await made(user)
    await made(randomUUID())
    await stream.until(({ text }) => text.includes('"count":1'))
    await expires(stream)
    expect(stream.answers).toHaveLength(2)
    stream.close()
  })

  it('a batch is all of the user', async () => {
    const user = randomUUID()
    const inputs = { 0: { json: { title: 'One' } }, 1: { json: { title: 'Two' } } }
    const batch = await post(`${url}/trpc/actions.make,actions.make?batch=1`, {
      ...(await owner(as(user))),
      body: JSON.stringify(inputs),
    })
    expect(batch.status).toBe(200)
    expect(await entriesOf(user)).toMatchObject([{ actedBy: 'owner' }, { actedBy: 'owner' }])
  })

  it('a caller in process and the client say it by an option', async () => {
    const user = 'zoë/of 100%'
    const token = await app.token('owner')
    const here = await app.createCaller({ token, actAs: user }).actions.whoAmI({})
    expect(here).toMatchObject({ data: { userId: user } })
    const client = createClient<typeof app.router>({ url, token, actAs: user })
    expect(await client.users.me.query()).toMatchObject({ data: { userId: user } })
  })
})

describe('who may not', () => {
  const withHeader = async (token: string | undefined, header: string, to = '/api/actions/whoAmI') =>
    post(`${url}${to}`, { token, headers: { 'deputy-act-as': header } })

  it.each(['bob', '%', '', 'owner'])(
    'is refused with one sentence, whatever they name: %j',
    async (named) => {
      const token = await app.token('ada')
      const refused = {
        status: 403,
        json: { error: expect.stringMatching(/^Only the app's owner may call as/) },
      }
      expect(await withHeader(token, named)).toMatchObject(refused)
      expect(await withHeader(token, named, '/api/actions/nothing')).toMatchObject(refused)
      expect(
        await get(`${url}/api/records/events`, { token, headers: { 'deputy-act-as': named } }),
      ).toMatchObject(refused)
      const trpc = await post(`${url}/trpc/actions.make`, {
        token,
        headers: { 'deputy-act-as': named },
        body: '{"json":{"title":"x"}}',
      })
      expect(trpc).toMatchObject({ status: 403 })
    },
  )

  it('is told to sign in without a token, or with one that is not valid', async () => {
    for (const token of [undefined, 'not.a.token'])
      expect(await withHeader(token, 'ada')).toMatchObject({ status: 401 })
    const anonymous = await get(`${url}/api/records/events`, { headers: as('ada') })
    expect(anonymous).toMatchObject({ status: 401 })
  })

  it('is the owner too, where the server does not take it', async () => {
    await using closed = await open(provider.url, { mayActAs: false })
    const refused = await closed
      .createCaller({ token: await closed.token('owner'), actAs: 'ada' })
      .actions.whoAmI({})
      .catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('ACT_AS=on') })
  })

  it.each(['', '%', '%00', 'a%0Ab', '__proto__', 'a'.repeat(256)])(
    'is who names no user: %j',
    async (named) => {
      expect(await withHeader(await app.token('owner'), named)).toMatchObject({
        status: 400,
        json: { error: expect.stringContaining('percent-encoded') },
      })
    },
  )

  it('is who says it twice, or where it means nothing', async () => {
    const token = await app.token('owner')
    const twice = [`Authorization: Bearer ${token}`, 'Deputy-Act-As: ada', 'Deputy-Act-As: bob']
    expect((await sendRaw(url, rawRequest('GET /api/users/me', twice))).statuses).toEqual([400])
    for (const path of ['/mcp', '/openapi.json', '/api/webhooks/payments', '/anything'])
      expect(await get(`${url}${path}`, { token, headers: as('ada') })).toMatchObject({
        status: 400,
        json: { error: expect.stringContaining('Deputy-Act-As is taken by calls') },
      })
  })

  it('is no page of another origin, unless it is let in', async () => {
    const asked = await fetch(`${url}/api/actions/make`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.com', 'access-control-request-method': 'POST' },
    })
    expect(asked.headers.get('access-control-allow-headers')).toContain('deputy-act-as')
  })
})
