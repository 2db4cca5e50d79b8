// What a schema marks secret is shown nowhere, whatever holds it and wherever it goes: a table of shapes and of places.
import { randomUUID } from 'node:crypto'
import { actionRegistry, createBuilders, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import type { fixture } from '../fixture/app.ts'
import { get, post } from '../http/send.ts'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { fund } from '../ledger/ledger.ts'
import { createTestApp } from '../support/test-app.ts'

const secret = z.string().max(60).meta({ secret: true })
/** Each with a value that holds the secret once, and one that its schema refuses for what stands beside it. */
const SHAPES = {
  field: { schema: secret, of: (value: string) => value, wrong: (value: string) => value.repeat(3) },
  nested: {
    schema: z.strictObject({ card: z.strictObject({ pin: secret, name: z.string() }) }),
    of: (value: string) => ({ card: { pin: value, name: 'Ada' } }),
    wrong: (value: string) => ({ card: { pin: value, name: 5 } }),
  },
  list: {
    schema: z.array(z.strictObject({ pin: secret, nth: z.int() })),
    of: (value: string) => [{ pin: value, nth: 1 }],
    wrong: (value: string) => [{ pin: value, nth: 'x' }],
  },
  union: {
    schema: z.union([
      z.strictObject({ by: z.literal('card'), pin: secret }),
      z.strictObject({ by: z.literal('cash') }),
    ]),
    of: (value: string) => ({ by: 'card', pin: value }),
    wrong: (value: string) => ({ by: 'cheque', pin: value }),
  },
  choice: {
    schema: z.discriminatedUnion('by', [
      z.strictObject({ by: z.literal('card'), pin: secret }),
      z.strictObject({ by: z.literal('cash'), pin: z.int() }),
    ]),
    of: (value: string) => ({ by: 'card', pin: value }),
    wrong: (value: string) => ({ by: 'cash', pin: value }),
  },
  keys: {
    schema: z.record(secret, z.int()),
    of: (value: string) => ({ [value]: 1 }),
    wrong: (value: string) => ({ [value]: 'x' }),
  },
  pair: {
    schema: z.tuple([z.string(), secret.optional()]),
    of: (value: string) => ['Ada', value],
    wrong: (value: string) => [5, value],
  },
  text: {
    schema: z.templateLiteral(['Bearer ', secret]),
    of: (value: string) => `Bearer ${value}`,
    wrong: (value: string) => `Basic ${value}`,
  },
  refined: {
    schema: z.strictObject({ pin: secret }).refine(({ pin }) => !pin.startsWith('wrong'), 'is not right'),
    of: (value: string) => ({ pin: value }),
    wrong: (value: string) => ({ pin: `wrong ${value}` }),
  },
} as const
type Shape = keyof typeof SHAPES

/** One schema of all of them, of which each call gives one. */
const held = z.strictObject(
  Object.fromEntries(
    Object.entries(SHAPES).map(([shape, { schema }]) => [shape, schema.optional()]),
  ) as Record<string, z.ZodOptional<z.ZodType>>,
)
const sent = z.strictObject({ held, how: z.string() })

const integrations = defineIntegrations({
  bank: {
    billing: 'developer',
    clients: 'users',
    direct: {
      baseUrl: { env: 'BANK_URL' },
      endpoints: { put: endpoint({ method: 'POST', path: '/put', input: sent, retries: 0, price: 10 }) },
    },
  },
})
const { action, ownerAction } = createBuilders<{
  collections: typeof fixture.collections
  integrations: typeof integrations
  env: typeof fixture.env
}>()

let isAccepting = true
/** What does not fit, beside the secret. */
let misfit: object = {}
const job = action
  .input(sent.refine(() => isAccepting, 'is not accepted any more'))
  .mutation(async ({ input }) => (input.how === 'fails' ? fail('CONFLICT', 'It cannot be.') : ok(null)))
const actions = actionRegistry({
  job,
  /** What goes on with it, and where it is told. */
  passes: ownerAction.input(sent).mutation(async ({ ctx: { tools, log }, input }) => {
    log.info({ input: Object.keys(input) }, 'It was passed on')
    switch (input.how) {
      case 'waits':
        return tools.later(job, input, { delayMs: 3_600_000 })
      case 'fails':
      case 'does':
        return tools.later(job, input)
      case 'message':
        return tools.enqueue('bank/put', input)
      case 'misfit job':
        return tools.later(job, misfit as never)
      case 'misfit message':
        return tools.enqueue('bank/put', misfit as never)
      case 'integration':
        return tools.integration('bank/put', input)
      case 'refused':
        return fail('PAYMENT_REQUIRED', 'No.')
      default:
        return tools.create('events', { title: 'x', startsAt: new Date(0), capacity: 1 })
    }
  }),
})

const open = (bank: Upstream) =>
  createTestApp({ actions, integrations, integrationEnv: { BANK_URL: bank.url } })
let bank: Upstream
let app: Awaited<ReturnType<typeof open>>
let url: string
let token: string
beforeAll(async () => {
  bank = await startUpstream()
  app = await open(bank)
  url = await app.listen()
  token = await app.token('owner')
  await fund(app.database, 'owner', 1_000_000)
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await bank[Symbol.asyncDispose]()
})

const answers: string[] = []
const keep = <T extends { readonly text: string; readonly headers: Headers }>(answer: T): T => {
  answers.push(answer.text, JSON.stringify([...answer.headers]))
  return answer
}
const call = async (path: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
  const keyed = 'deputy-dry-run' in headers ? {} : { 'idempotency-key': randomUUID() }
  return keep(
    await post(`${url}${path}`, { token, headers: { ...headers, ...keyed }, body: JSON.stringify(body) }),
  )
}
const READS = [
  'jobs',
  'outbox',
  'audit',
  'credits/statement',
  'credits/spending?by=action',
  'schedules',
  'calls',
]
const look = async () => {
  for (const path of READS) keep(await get(`${url}/api/${path}`, { token }))
  const calls = (await get(`${url}/api/audit?action=passes&limit=5`, { token })).json as {
    data: { entries: { id: string }[] }
  }
  for (const { id } of calls.data.entries) keep(await get(`${url}/api/audit/${id}`, { token }))
  const { data } = (await get(`${url}/api/jobs?limit=200`, { token })).json as {
    data: { jobs: { id: string }[] }
  }
  for (const { id } of data.jobs) keep(await get(`${url}/api/jobs/${id}`, { token }))
}

const DRY = { 'deputy-dry-run': 'true' }

it.each(Object.keys(SHAPES) as Shape[])('a secret as a %s is shown in no place', async (shape) => {
  const value = `secret${randomUUID().replaceAll('-', '')}`
  const { of, wrong } = SHAPES[shape]
  const right = { [shape]: of(value) }
  isAccepting = true
  // The bank has it, and says it back in whatever it answers.
  bank.onPath('/put', ({ body }, response) => {
    const echo = JSON.stringify(body)
    json(response, 422, { message: `You sent ${echo}`, issues: [{ path: [echo], message: echo }] })
  })
  misfit = { held: { [shape]: wrong(value) }, how: 'x' }
  const statuses: Record<string, number> = {}
  for (const how of [
    'misfit job',
    'misfit message',
    'waits',
    'fails',
    'does',
    'message',
    'integration',
    'refused',
    'writes',
  ]) {
    if (how !== 'refused') await call('/api/actions/passes', { held: right, how }, DRY)
    statuses[how] = (await call('/api/actions/passes', { held: right, how })).status
  }
  expect(statuses).toMatchObject({
    'misfit job': 400,
    'misfit message': 400,
    waits: 200,
    fails: 200,
    does: 200,
    message: 200,
    refused: 402,
    writes: 200,
  })
  statuses.wrong = (await call('/api/actions/passes', { held: { [shape]: wrong(value) }, how: 'x' })).status
  statuses.extra = (
    await call('/api/actions/passes', { held: right, how: 'x', [value.slice(0, 3)]: 1 })
  ).status
  statuses.direct = (await call('/api/integrations/bank/put', { held: right, how: 'x' })).status
  statuses.wrongly = (
    await call('/api/integrations/bank/put', { held: { [shape]: wrong(value) }, how: 'x' })
  ).status
  expect(statuses).toMatchObject({ wrong: 400, extra: 400, direct: 422, wrongly: 400 })
  await look()
  const done = await doAllDue(app.engine)
  expect(done.map(({ outcome }) => outcome?.kind).sort()).toEqual(['dead', 'dead', 'done'])
  // A job whose input is not accepted any more when it is run.
  await call('/api/actions/passes', { held: right, how: 'does' })
  isAccepting = false
  expect((await doAllDue(app.engine)).map(({ outcome }) => outcome?.kind)).toEqual(['later'])
  await look()

  // The net has no holes: the bank was sent it, and there was something in each place.
  expect(JSON.stringify(bank.received)).toContain(value)
  expect(answers.join('\n')).toContain('[secret]')
  expect(answers.join('\n')).toContain('It was passed on')
  const columns = (
    await app.database.query({
      sql: `select table_schema || '.' || table_name, column_name from information_schema.columns
        where table_schema in ('public', 'deputy')`,
      params: [],
    })
  ).rows
  // What a job or a message is still to be done with is kept until then.
  const kept = columns.filter(([table, column]) => !(table === 'deputy.queue' && column === 'data'))
  const rows: Record<string, string> = {}
  for (const table of new Set(kept.map(([name]) => String(name)))) {
    const names = kept.filter(([name]) => name === table).map(([, column]) => `"${column}"`)
    const found = await app.database.query({ sql: `select row(${names})::text from ${table}`, params: [] })
    rows[table] = JSON.stringify(found.rows)
  }
  expect(rows['deputy.audit_detail']).toContain('[secret]')
  expect(rows['deputy.audit_detail']).toContain('It was passed on')
  for (const [place, held] of Object.entries({
    answers: answers.join('\n'),
    log: JSON.stringify(app.logged),
    ...rows,
  }))
    expect(held.includes(value), `${place}: …${around(held, value)}…`).toBe(false)
})

function around(text: string, part: string): string {
  const at = text.indexOf(part)
  return at < 0 ? '' : text.slice(Math.max(0, at - 600), at + 100)
}
