import { actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { post } from './send.ts'

const actions = actionRegistry({
  /** Takes any JSON, so that nothing but the wire stands between the caller and the handler. */
  keep: action.input(z.strictObject({ value: z.unknown() })).mutation(async ({ ctx }) => {
    const kept = await ctx.tools.create('events', { title: 'Kept', startsAt: ctx.now, capacity: 1 })
    return kept.success ? ok(kept.data.recordId) : kept
  }),
})

const newApp = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof newApp>>
let url: string
let token: string
beforeAll(async () => {
  app = await newApp()
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

async function countEvents(): Promise<number> {
  const { rows } = await app.database.query({ sql: 'select count(*)::int from events', params: [] })
  return Number(rows[0]?.[0])
}

const input = (value: unknown, values: unknown) => JSON.stringify({ json: { value }, meta: { values } })
const sharing = (json: unknown, referentialEqualities: unknown) =>
  JSON.stringify({ json, meta: { referentialEqualities } })

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const LIST = Array.from({ length: 10_000 }, (_, at) => at)
const PATHS = LIST.map((at) => `value.${at}`)

const ATTACKS: readonly (readonly [string, string | Uint8Array])[] = [
  ['no envelope', '{"value":1}'],
  ['an envelope with a key more', '{"json":{"value":1},"extra":1}'],
  ['an unknown version', '{"json":{"value":1},"meta":{"v":2}}'],
  ['no JSON', '{"json":'],
  ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['an annotation under __proto__', input({}, { '__proto__.polluted': ['Date'] })],
  ['an annotation under constructor.prototype', input({}, { 'value.constructor.prototype.a': ['Date'] })],
  ['a reference to __proto__', sharing({ value: {} }, { value: ['__proto__.polluted'] })],
  ['a function by reference', sharing({ value: {} }, { 'value.toString': ['value.a'] })],
  ['a reference to itself', sharing({ value: null }, [['value']])],
  ['references to nowhere', sharing({ value: 1 }, { value: ['a.b.c'] })],
  [
    'a bomb of references',
    sharing({ value: LIST }, Object.fromEntries(PATHS.map((path) => [path, [path, 'none']]))),
  ],
  ['60 000 references', sharing({ value: [1] }, { value: Array(60_000).fill('value.0') })],
  ['a long path', input('', { [`value${'.a'.repeat(100_000)}`]: ['Date'] })],
  [
    'deep annotations',
    `{"json":{"value":1},"meta":{"values":${'{"a":'.repeat(50_000)}["Date"]${'}'.repeat(50_000)}}}`,
  ],
  ['deep arrays', `{"json":{"value":${DEEP}}}`],
  ['deep arrays as annotations', `{"json":{"value":1},"meta":{"values":${DEEP}}}`],
  ['a bigint of 900 000 digits', input('9'.repeat(900_000), { value: ['bigint'] })],
  ['a bigint that is none', input('1e5', { value: ['bigint'] })],
  ['a regular expression', input('/(/', { value: ['regexp'] })],
  ['a slow regular expression', input('/(a+)+$/', { value: ['regexp'] })],
  ['a set', input([1, 2], { value: ['set'] })],
  ['a map', input([['a', 1]], { value: ['map'] })],
  ['an error', input({ name: 'Error', message: 'a' }, { value: ['Error'] })],
  ['a URL', input('https://example.com', { value: ['URL'] })],
  ['a symbol', input('a', { value: [['symbol', 'a']] })],
  ['a class', input({}, { value: [['class', 'Object']] })],
  ['a custom type', input('a', { value: [['custom', 'Decimal.js']] })],
  ['a typed array', input([1], { value: [['typed-array', 'Uint8Array']] })],
  ['an unknown type', input('a', { value: ['toString'] })],
  ['an invalid date', input('not a date', { value: ['Date'] })],
  ['a date without a zone', input('2030-01-01T00:00:00', { value: ['Date'] })],
  ['a date in the year 275760', input('+275760-09-13T00:00:00.000Z', { value: ['Date'] })],
  ['NaN', input('NaN', { value: ['number'] })],
  ['Infinity', input('Infinity', { value: ['number'] })],
  ['NUL', input('a\0', undefined)],
  ['a lone surrogate', '{"json":{"value":"\\ud800"}}'],
  ['2^53 + 1', '{"json":{"value":9007199254740993}}'],
  ['1e309', '{"json":{"value":1e309}}'],
  ['the key __proto__', '{"json":{"value":1,"__proto__":{"polluted":true}}}'],
]

describe('an input over tRPC', () => {
  it.each(ATTACKS)('with %s is 400 and runs nothing', async (_title, body) => {
    const before = await countEvents()
    const answer = await post(`${url}/trpc/actions.keep`, { token, body })
    expect(answer.status).toBe(400)
    expect(answer.text.length).toBeLessThan(5_000)
    expect(answer.json).toMatchObject({
      error: { json: { data: { code: 'BAD_REQUEST', requestId: answer.headers.get('x-request-id') } } },
    })
    expect(await countEvents()).toBe(before)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it('with what clients do send is taken', async () => {
    const shared = {
      json: { value: [{ a: 1 }, { a: 1 }] },
      meta: { referentialEqualities: { 'value.0': ['value.1'] } },
    }
    const bodies = [
      JSON.stringify(shared),
      input('2030-01-01T00:00:00.000Z', { value: ['Date'] }),
      input('12345678901234567890', { value: ['bigint'] }),
      input(null, { value: ['undefined'] }),
      '{"json":{"value":[]}}',
    ]
    for (const body of bodies) {
      expect((await post(`${url}/trpc/actions.keep`, { token, body })).status).toBe(200)
    }
  })

  it.each([
    ['text/plain', { 'content-type': 'text/plain' }],
    ['multipart/form-data', { 'content-type': 'multipart/form-data; boundary=a' }],
    ['application/octet-stream', { 'content-type': 'application/octet-stream' }],
    ['gzip', { 'content-encoding': 'gzip' }],
  ])('as %s is 415 in the form that clients read', async (_title, headers) => {
    const answer = await post(`${url}/trpc/actions.keep`, { token, headers, body: '{"json":{"value":1}}' })
    expect(answer.status).toBe(415)
    expect(answer.json).toMatchObject({ error: { json: { data: { code: 'UNSUPPORTED_MEDIA_TYPE' } } } })
  })

  it('of more than 1 MiB is 413 in the form that clients read', async () => {
    const body = JSON.stringify({ json: { value: 'a'.repeat(1024 * 1024) } })
    for (const sent of [body, new Blob([body]).stream()]) {
      const answer = await post(`${url}/trpc/actions.keep`, { token, body: sent })
      expect(answer.status).toBe(413)
      expect(answer.json).toMatchObject({
        error: {
          json: { data: { code: 'PAYLOAD_TOO_LARGE', requestId: answer.headers.get('x-request-id') } },
        },
      })
    }
  })
})
