import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { type Bench, dataOf, mint, openBench } from './workbench.ts'

let upstream: Upstream
let bench: Bench
beforeAll(async () => {
  upstream = await startUpstream()
  upstream.on('bank/models', (_received, response) => json(response, 200, { answer: 42 }))
  bench = await openBench({ apiWorkerUrl: upstream.url })
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

describe('once', () => {
  it.each([
    ['empty', ''],
    ['too long', 'k'.repeat(256)],
    ['with a space', 'a b'],
    ['with a line feed', 'a\nb'],
    ['with NUL', 'a\0'],
    ['a number', 5],
    ['null', null],
    ['undefined', undefined],
  ])('refuses a key that is %s, and does not run the function', async (_what, key) => {
    let runs = 0
    const refused = await bench.loose((tools) =>
      tools.once(key, () => {
        runs += 1
        return 1
      }),
    )
    expect(refused).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect(runs).toBe(0)
  })

  it.each([
    ['text', 'x'],
    ['null', null],
    ['undefined', undefined],
    ['a deep value', { a: [1, { b: null }], c: 'ü' }],
  ])('gives back %s, from one run, before and after a read', async (_what, value) => {
    let runs = 0
    const given = await bench.loose(async (tools) => {
      await tools.count('samples')
      return tools.once('key', async () => {
        runs += 1
        return value
      })
    })
    expect(dataOf(given)).toEqual(value)
    expect(runs).toBe(1)
  })

  it.each([
    ['a Date', new Date(0)],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['NaN', Number.NaN],
    ['NUL', 'a\0'],
    ['a Map', new Map()],
  ])('refuses %s as an answer, which would not come back the same', async (_what, value) => {
    await expect(bench.loose((tools) => tools.once('key', () => value))).rejects.toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
    })
  })
})

describe('integration', () => {
  it.each([
    '',
    'bank',
    '/',
    'bank/',
    '/chat',
    'bank/chat/completion',
    'Bank/chat',
    'bank/..',
    '../openai',
    'bank%2fchat',
    'bank/..%2f..%2fresend',
    'bank/%2e%2e',
    'bank/%252e',
    'bank/chat?x=1',
    'bank/chat#x',
    'bank/chat%00',
    'bank/%zz',
    'bank/chat ',
    'http://evil.example/chat',
    '__proto__/chat',
  ])('refuses the endpoint %j and calls nothing', async (endpoint) => {
    const before = upstream.received.length
    expect(await bench.run((tools) => tools.integration(endpoint, {}))).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
    })
    expect(upstream.received.length).toBe(before)
  })

  it.each([undefined, null, 5, {}, ['bank/chat', 1]])('refuses %j for an endpoint', async (endpoint) => {
    expect(await bench.loose((tools) => tools.integration(endpoint))).toMatchObject({ code: 'BAD_REQUEST' })
  })

  it.each([
    ['a Date', { at: new Date(0) }],
    ['a bigint', [1n]],
    ['a function', { f: () => 1 }],
    ['NaN', { n: Number.NaN }],
    ['NUL', { s: 'a\0' }],
    ['a lone surrogate', ['\ud800']],
  ])('refuses %s in its data, naming JSON, and the attempt stays usable', async (_what, data) => {
    const label = mint('label')
    const outcome = await bench.loose(async (tools) => {
      const refused = await tools.integration('bank/chat', data)
      dataOf(await tools.create('samples', { label }))
      return { success: true, data: refused }
    })
    expect(dataOf(outcome)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect(dataOf(await bench.run((tools) => tools.count('samples', { label })))).toEqual({ count: 1 })
  })

  it("gives the upstream's body itself, and sends {} for no data", async () => {
    expect(dataOf(await bench.run((tools) => tools.integration('bank/models')))).toEqual({ answer: 42 })
    expect(upstream.received.at(-1)).toMatchObject({
      method: 'POST',
      path: '/api/integrations/bank/models',
      body: {},
    })
  })

  it('names the variable that is missing', async () => {
    await using bare = await openBench()
    expect((await bare.run((tools) => tools.integration('bank/chat'))).error).toContain('API_WORKER_URL')
    await using ownerless = await openBench({ apiWorkerUrl: upstream.url, ownerJwt: undefined })
    const refused = await ownerless.run((tools) => tools.integration('bank/chat'))
    expect(refused).toMatchObject({ success: false, code: 'PRECONDITION_FAILED' })
    expect(refused.error).toContain('APP_OWNER_JWT')
  })
})
