import { randomUUID } from 'node:crypto'
import { actionRegistry, ok } from 'deputyjs'
import { SuperJSON } from 'superjson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

const superjson = new SuperJSON()
const AT = new Date('2026-02-28T09:30:00.000Z')

/** An app whose one action takes this, and counts how often it ran. */
function taking(shape: z.ZodRawShape) {
  const ran = { times: 0 }
  const take = action.input(z.strictObject(shape)).mutation(async () => {
    ran.times += 1
    return ok({ mark: randomUUID() })
  })
  return { ran, actions: actionRegistry({ take }) }
}

const newApp = () => createTestApp({ actions: taking({}).actions })
let app: Awaited<ReturnType<typeof newApp>>
let token: string
beforeAll(async () => {
  app = await newApp()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

type Sender = (input: unknown, key: string) => Promise<{ status: number; mark?: string | undefined }>
type Deployed = Pick<ReturnType<typeof app.deploy>, 'fetch' | 'createCaller'>

const TRANSPORTS = {
  rest:
    (deployed: Deployed): Sender =>
    async (input, key) => {
      const response = await deployed.fetch(request('/api/actions/take', key, toJson(input)))
      const { data } = (await response.json()) as { data?: { mark: string } }
      return { status: response.status, mark: data?.mark }
    },
  trpc:
    (deployed: Deployed): Sender =>
    async (input, key) => {
      const body = JSON.stringify(superjson.serialize(input))
      const response = await deployed.fetch(request('/trpc/actions.take', key, body))
      const { result } = (await response.json()) as {
        result?: { data: { json: { data: { mark: string } } } }
      }
      return { status: response.status, mark: result?.data.json.data.mark }
    },
  caller:
    (deployed: Deployed): Sender =>
    async (input, idempotencyKey) => {
      const { take } = deployed.createCaller({ token, idempotencyKey }).actions as unknown as {
        take: (input: unknown) => Promise<{ data: { mark: string } }>
      }
      try {
        return { status: 200, mark: (await take(input)).data.mark }
      } catch (error) {
        return { status: (error as { code: string }).code === 'UNPROCESSABLE_CONTENT' ? 422 : 400 }
      }
    },
}
const NAMES = ['rest', 'trpc', 'caller'] as const
const PAIRS = NAMES.flatMap((first) => NAMES.map((second) => [first, second] as const))

function request(path: string, key: string, body: string): Request {
  return new Request(`http://deputy.test${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
    body,
  })
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner))
}

const text = z.string()
/** The same sending is the same input, though the parser makes something else of it each time, or since. */
const SAME: readonly [
  name: string,
  before: z.ZodRawShape,
  after: z.ZodRawShape | undefined,
  input: unknown,
][] = [
  ['a default that is now', { at: z.date().default(() => new Date()) }, undefined, {}],
  ['a random default', { id: text.default(() => randomUUID()) }, undefined, {}],
  ['a random prefault', { id: text.prefault(() => randomUUID()) }, undefined, {}],
  ['a random catch', { id: text.catch(() => randomUUID()) }, undefined, { id: 5 }],
  [
    'a transform that differs',
    { id: text.transform((id) => `${id}${randomUUID()}`) },
    undefined,
    { id: 'x' },
  ],
  ['a preprocess that differs', { id: z.preprocess(() => randomUUID(), text) }, undefined, { id: 'x' }],
  ['an overwrite that differs', { id: text.overwrite(() => randomUUID()) }, undefined, { id: 'x' }],
  [
    'a default deep inside',
    { a: z.array(z.object({ b: text.default(() => randomUUID()) })) },
    undefined,
    { a: [{}] },
  ],
  ['a default that is added', { a: text }, { a: text, b: text.default('b') }, { a: 'x' }],
  ['another default', { a: text.default('a') }, { a: text.default('b') }, {}],
  ['an optional field that is added', { a: text }, { a: text, b: text.optional() }, { a: 'x' }],
  ['a transform that is added', { a: text }, { a: text.transform((a) => a.length) }, { a: 'x' }],
  ['a trim that is added', { a: text }, { a: text.trim() }, { a: ' x ' }],
  ['a field that must be there now', { a: text }, { a: text, b: text }, { a: 'x' }],
  ['a field that is gone', { a: text, b: text }, { a: text }, { a: 'x', b: 'y' }],
  ['a bound that is added', { a: text }, { a: text.max(3) }, { a: 'xxxxx' }],
  ['text that is a date now', { a: text }, { a: z.date() }, { a: AT.toISOString() }],
  ['text of a zone that is a date now', { a: text }, { a: z.date() }, { a: '2026-02-28T10:30:00+01:00' }],
  ['text that is a bigint now', { a: text }, { a: z.bigint() }, { a: '012' }],
  ['a date that is text now', { a: z.date() }, { a: text }, { a: '2026-02-28T10:30:00+01:00' }],
  ['another number for text', { a: text }, { a: z.number() }, { a: '1' }],
  ['the keys in another order', { a: text, b: text }, undefined, { b: 'y', a: 'x' }],
]

describe.each(NAMES)('over %s the same sending is answered as before', (transport) => {
  it.each(SAME)('in spite of %s', async (_name, before, after, input) => {
    const first = taking(before)
    const second = after ? taking(after) : first
    const key = randomUUID()
    const one = await TRANSPORTS[transport](app.deploy(first.actions))(input, key)
    expect(one.status).toBe(200)
    expect(await TRANSPORTS[transport](app.deploy(second.actions))(input, key)).toEqual(one)
    expect(first.ran.times + (after ? second.ran.times : 0)).toBe(1)
  })
})

describe('another input', () => {
  it.each(NAMES)('is 422 over %s', async (transport) => {
    const { ran, actions } = taking({
      a: z.union([text, z.number(), z.array(z.number())]).optional(),
      at: z.date().optional(),
    })
    const send = TRANSPORTS[transport](app.deploy(actions))
    const inputs = [
      {},
      { a: '007' },
      { a: '7' },
      { a: 7 },
      { a: [7] },
      { a: [] },
      { a: AT.toISOString() },
      { at: AT },
      { a: '2026-02-28T10:30:00+01:00' },
    ]
    for (const [at, input] of inputs.entries()) {
      const key = randomUUID()
      expect((await send(input, key)).status).toBe(200)
      for (const other of inputs.toSpliced(at, 1)) expect((await send(other, key)).status).toBe(422)
    }
    expect(ran.times).toBe(inputs.length)
  })

  it('that no schema takes is 400, whoever has the key', async () => {
    const send = TRANSPORTS.rest(app.deploy(taking({ a: text }).actions))
    const key = randomUUID()
    await send({ a: 'x' }, key)
    expect((await send({ a: 5 }, key)).status).toBe(400)
    expect((await send({ a: 5 }, randomUUID())).status).toBe(400)
  })
})

describe.each(PAIRS)('the same input is the same from %s to %s', (from, to) => {
  it.each<[name: string, sent: unknown, again: unknown]>([
    ['a date', { at: AT }, { at: AT }],
    ['a date in another zone', { at: '2026-02-28T10:30:00+01:00' }, { at: AT }],
    ['a bigint', { big: 12n }, { big: '0012' }],
    ['nothing', {}, { at: undefined }],
  ])('%s', async (_name, sent, again) => {
    const { ran, actions } = taking({ at: z.date().optional(), big: z.bigint().optional() })
    const deployed = app.deploy(actions)
    const key = randomUUID()
    const one = await TRANSPORTS[from](deployed)(sent, key)
    expect(one.status).toBe(200)
    expect(await TRANSPORTS[to](deployed)(again, key)).toEqual(one)
    expect(ran.times).toBe(1)
  })
})

it('keeps nothing of an input but keyed hashes, and says of which form they are', async () => {
  const { actions } = taking({ at: z.date(), password: text.meta({ secret: true }) })
  const key = randomUUID()
  await TRANSPORTS.rest(app.deploy(actions))({ at: '2026-02-28T10:30:00+01:00', password: 'CANARY' }, key)
  const { rows } = await app.database.query({
    sql: 'select input_hash, result from deputy.idempotency_results where key = $1',
    params: [key],
  })
  expect(rows[0]?.[0]).toMatch(/^1:[\w-]{43} 1:[\w-]{43}$/)
  expect(JSON.stringify(rows)).not.toContain('CANARY')
})
