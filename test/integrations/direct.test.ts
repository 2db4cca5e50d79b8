import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, configured } from './configured.ts'
import { BRIEF_MS, SHOP_KEY, shops } from './shop.ts'
import { timedOut } from './timed-out.ts'
import { json, startUpstream, type Upstream } from './upstream.ts'

type Reply = (response: ServerResponse) => unknown

let upstream: Upstream
let shop: ReturnType<typeof configured>
beforeAll(async () => {
  upstream = await startUpstream()
  shop = configured({ declarations: shops, env: { SHOP_BASE_URL: `${upstream.url}/v1/`, SHOP_KEY } })
})
afterAll(async () => {
  await shop.close()
  await upstream[Symbol.asyncDispose]()
})

/** What the provider answers, one after the other; the last one for good. */
function replies(path: string, ...all: readonly Reply[]) {
  let nth = 0
  const before = upstream.received.length
  upstream.onPath(path, (_received, response) => {
    const reply = all[Math.min(nth, all.length - 1)]
    nth += 1
    return reply?.(response)
  })
  return () => upstream.received.slice(before).filter((entry) => entry.path === path)
}

const sold =
  (total: unknown = 40): Reply =>
  (response) =>
    json(response, 200, { id: 'o1', total, more: [1] })
const status =
  (code: number, body: unknown = {}): Reply =>
  (response) =>
    json(response, code, body)
const busy: Reply = (response) =>
  response
    .writeHead(429, { 'content-type': 'application/json', 'retry-after': '1' })
    .end('{"message":"Slow."}')
/** It asks for more time than any call has. */
const busyForLong: Reply = (response) =>
  response
    .writeHead(429, { 'content-type': 'application/json', 'retry-after': '600' })
    .end('{"message":"Slow."}')
const reset: Reply = (response) => response.socket?.resetAndDestroy()
const html: Reply = (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hi</p>')
const hang: Reply = () => {}
const elsewhere: Reply = (response) =>
  response.writeHead(307, { location: `${upstream.url}/v1/orders` }).end()

const buy = (count = 1) => ask(shop, 'shop/buy', { item: 'tea', count })

describe('a request', () => {
  it('goes below the base URL with the credential, and gives the body itself', async () => {
    const calls = replies('/v1/orders', sold())
    expect(await buy()).toEqual({
      result: { success: true, data: { id: 'o1', total: 40, more: [1] } },
      outcome: 'answered',
      cost: 40,
      status: 200,
    })
    expect(calls()).toMatchObject([
      { method: 'POST', authorization: `Bearer ${SHOP_KEY}`, body: { item: 'tea', count: 1 } },
    ])
  })

  it('has the query and the body that the declaration makes', async () => {
    const calls = replies('/v1/wrapped?v=2', status(200))
    await ask(shop, 'shop/wrapped', { item: '../x?a=b#c' })
    expect(calls()).toMatchObject([{ body: { order: ['../x?a=b#c'] } }])
  })

  it('of a GET has its input for a query, encoded, and no body', async () => {
    const path = '/v1/hours?day=a%26day%3Db%2F..%2F%23'
    const calls = replies(path, status(200, []))
    expect(await ask(shop, 'shop/hours', { day: 'a&day=b/../#' })).toMatchObject({ cost: 3 })
    expect(calls()).toMatchObject([{ method: 'GET', body: undefined }])
  })

  it('carries the key of the call where the provider takes one', async () => {
    const calls = replies('/v1/keyed', sold())
    await ask(shop, 'shop/buy-once', { item: 'tea' }, { idempotencyKey: 'inv.1' })
    expect(calls()).toMatchObject([{ headers: { 'idempotency-key': 'inv.1' } }])
  })

  it('that cannot be built is not sent, costs nothing, and is logged', async () => {
    const before = upstream.received.length
    const answer = await ask(shop, 'shop/broken', { item: 'tea' })
    expect(answer).toMatchObject({ outcome: 'nothing', cost: 0, result: { code: 'PRECONDITION_FAILED' } })
    expect(upstream.received).toHaveLength(before)
    expect(shop.logged.at(-1)).toContain('No body')
  })
})

describe('what a call costs', () => {
  it.each([
    [40, 40],
    [0, 0],
    [100, 100],
    [101, 100],
    [9e99, 100],
    [-1, 100],
    [0.5, 100],
    ['NaN', 100],
    ['throws', 100],
  ])('when its charge is %j is %i of the 100 that were reserved', async (total, cost) => {
    replies('/v1/orders', sold(total))
    expect(await buy()).toMatchObject({ result: { success: true }, cost })
  })
})

describe('a refusal', () => {
  it.each([
    [400, { error: { message: 'No such model.', code: 'model_not_found' } }, 'BAD_REQUEST', 'No such model.'],
    [404, { message: 'No such item.' }, 'BAD_REQUEST', 'No such item.'],
    [409, { error: 'Sold.' }, 'BAD_REQUEST', 'Sold.'],
    [413, {}, 'PAYLOAD_TOO_LARGE', 'answered with status 413'],
    [422, { message: 'Odd.' }, 'UNPROCESSABLE_CONTENT', 'Odd.'],
    [400, { error: 'x', code: 'FORBIDDEN' }, 'BAD_REQUEST', 'x'],
    [401, { error: `Key ${SHOP_KEY} is wrong` }, 'BAD_GATEWAY', "refused the app's credentials"],
    [402, { error: 'Pay your bill, Ada.' }, 'BAD_GATEWAY', "refused the app's account"],
    [429, { error: 'Too many of org-Mars.' }, 'TOO_MANY_REQUESTS', 'takes no more calls'],
    [403, { error: 'Not from Mars.' }, 'BAD_GATEWAY', "refused the app's account"],
  ])('%i %j is %s, does nothing and costs nothing', async (code, body, expected, text) => {
    const calls = replies('/v1/orders', status(code, body))
    const answer = await buy()
    expect(answer).toMatchObject({
      outcome: 'nothing',
      cost: 0,
      result: { success: false, code: expected, error: expect.stringContaining(text) },
    })
    expect(JSON.stringify(answer)).not.toMatch(/shop-key|Pay your bill|Mars/)
    expect(calls()).toHaveLength(1)
  })

  it('is cut: its text to 500 characters, its issues to 20', async () => {
    const issues = Array.from({ length: 40 }, (_, n) => ({ path: [n], message: 'x'.repeat(5_000) }))
    replies('/v1/orders', status(400, { error: { message: 'x'.repeat(10_000), issues } }))
    const { result } = await buy()
    expect(String(result.error).length).toBeLessThan(600)
    expect(result.success ? [] : result.issues).toHaveLength(20)
    expect(JSON.stringify(result).length).toBeLessThan(15_000)
  })

  it('for haste says when to come back', async () => {
    replies('/v1/orders', busy)
    expect(await buy()).toMatchObject({
      outcome: 'nothing',
      result: { code: 'TOO_MANY_REQUESTS', details: { retryAfterSeconds: 1 } },
    })
  })
})

describe('what is no answer', () => {
  it.each([
    ['HTML', html, 'BAD_GATEWAY', 'not JSON'],
    ['another shape', status(200, { error: 'ok?' }), 'BAD_GATEWAY', 'another shape'],
    ['a list', status(200, []), 'BAD_GATEWAY', 'another shape'],
    ['a reset', reset, 'BAD_GATEWAY', 'unreachable'],
  ])('%s leaves its outcome unknown, and is charged as reserved', async (_what, reply, code, reason) => {
    const calls = replies('/v1/orders', reply)
    expect(await buy(2)).toMatchObject({
      outcome: 'unknown',
      cost: 200,
      result: { code, error: expect.stringContaining(`(${reason})`), details: { outcome: 'unknown' } },
    })
    expect(calls()).toHaveLength(1)
  })

  it('another shape is logged with the fields that are wrong', async () => {
    replies('/v1/orders', status(200, { error: 'ok?' }))
    await buy()
    expect(shop.logged.at(-1)).toMatch(/"name":"shop\/buy","issues":\[\{"path":\["id"\]/)
  })

  it('silence leaves its outcome unknown', async () => {
    const calls = replies('/v1/brief', hang)
    const isAsked = () => calls().length > 0
    expect(await timedOut(BRIEF_MS, isAsked, () => ask(shop, 'shop/brief', {}))).toMatchObject({
      outcome: 'unknown',
      cost: 3,
      result: { code: 'GATEWAY_TIMEOUT', details: { outcome: 'unknown' } },
    })
    expect(calls()).toHaveLength(1)
  })

  it('a redirect is not followed, does nothing and costs nothing', async () => {
    const before = upstream.received.length
    replies('/v1/orders', elsewhere)
    expect(await buy()).toMatchObject({ outcome: 'nothing', cost: 0, result: { code: 'BAD_GATEWAY' } })
    expect(upstream.received).toHaveLength(before + 1)
  })

  it('a breakdown is an answer, costs nothing, and its words are kept back', async () => {
    replies('/v1/orders', status(500, { error: 'at line 7 of billing.py' }))
    const answer = await buy()
    expect(answer).toMatchObject({ outcome: 'answered', cost: 0, result: { code: 'BAD_GATEWAY' } })
    expect(JSON.stringify(answer)).not.toContain('billing.py')
  })

  it('nobody listening costs nothing', async () => {
    const gone = await startUpstream()
    await gone[Symbol.asyncDispose]()
    const closed = configured({ declarations: shops, env: { SHOP_BASE_URL: gone.url, SHOP_KEY } })
    expect(await ask(closed, 'shop/buy', { item: 'tea' })).toMatchObject({
      outcome: 'nothing',
      cost: 0,
      result: { code: 'BAD_GATEWAY', details: { outcome: 'not sent' } },
    })
    await closed.close()
  })

  it('a private address that is not allowed is not connected to', async () => {
    const before = upstream.received.length
    const env = { SHOP_BASE_URL: upstream.url.replace('127.0.0.1', '127.1'), SHOP_KEY }
    const elsewhereAllowed = configured({ declarations: shops, env, allowPrivate: [] })
    expect(await ask(elsewhereAllowed, 'shop/buy', { item: 'tea' })).toMatchObject({
      outcome: 'nothing',
      cost: 0,
      result: { error: expect.stringContaining('(refused address)'), details: { outcome: 'not sent' } },
    })
    expect(upstream.received).toHaveLength(before)
    expect(elsewhereAllowed.logged.at(-1)).toContain('name its host:port in ALLOW_PRIVATE_UPSTREAMS')
    await elsewhereAllowed.close()
  })
})

describe('a call is made again', () => {
  const keyed = () => ask(shop, 'shop/buy-once', { item: 'tea' })
  const hours = () => ask(shop, 'shop/hours', { day: 'd' })
  const HOURS = '/v1/hours?day=d'

  it.each([
    ['a GET after a breakdown', HOURS, hours, status(503)],
    ['a GET after a reset', HOURS, hours, reset],
    ['a POST with a key after a breakdown', '/v1/keyed', keyed, status(500)],
    ['a POST with a key after a reset', '/v1/keyed', keyed, reset],
    ['a POST with a key after a 429, when it says', '/v1/keyed', keyed, busy],
  ])('%s', async (_what, path, call, first) => {
    const calls = replies(path, first, sold())
    expect(await call()).toMatchObject({ outcome: 'answered', result: { success: true } })
    expect(calls()).toHaveLength(2)
    expect(new Set(calls().map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  })

  it.each([
    ['a POST without a key after a breakdown', '/v1/orders', buy, status(503)],
    ['a POST without a key after a reset', '/v1/orders', buy, reset],
    ['a POST without a key after a 429', '/v1/orders', buy, busy],
    ['a GET after a refusal', HOURS, hours, status(400)],
    ['a GET after HTML', HOURS, hours, html],
    ['a POST with a key after another shape', '/v1/keyed', keyed, status(200, {})],
  ])('but not %s', async (_what, path, call, first) => {
    const calls = replies(path, first, sold())
    expect(await call()).toMatchObject({ result: { success: false } })
    expect(calls()).toHaveLength(1)
  })

  it('three times at most, unless more is declared', async () => {
    const calls = replies('/v1/keyed', status(500))
    expect(await keyed()).toMatchObject({ outcome: 'answered', cost: 0, result: { code: 'BAD_GATEWAY' } })
    expect(calls()).toHaveLength(3)
  })

  it('not when its provider asks for more time than there is', async () => {
    const calls = replies('/v1/keyed', busyForLong)
    expect(await ask(shop, 'shop/buy-once', { item: 'tea' }, { timeoutMs: 60_000 })).toMatchObject({
      outcome: 'nothing',
      result: { code: 'TOO_MANY_REQUESTS' },
    })
    expect(calls()).toHaveLength(1)
  })

  it('and stays unknown if one try is, whatever refusal comes last', async () => {
    replies('/v1/keyed', reset, status(400, { message: 'Odd.' }))
    expect(await keyed()).toMatchObject({
      outcome: 'unknown',
      cost: 7,
      result: { code: 'BAD_REQUEST', details: { outcome: 'unknown' } },
    })
  })
})

it('a secret that the provider says back is nowhere in the answer, nor in the log', async () => {
  const encoded = Buffer.from(`app:${SHOP_KEY}`).toString('base64')
  const basic = configured({
    declarations: shops,
    env: { BASIC_BASE_URL: upstream.url, BASIC_KEY: SHOP_KEY },
  })
  upstream.onPath('/ask', ({ authorization }, response) => {
    const said = { [SHOP_KEY]: [authorization, `${SHOP_KEY}!`], message: `no ${authorization} ${SHOP_KEY}` }
    json(response, upstream.received.length % 2 === 0 ? 200 : 400, said)
  })
  const answers = [await ask(basic, 'basic/ask', {}), await ask(basic, 'basic/ask', {})]
  expect(upstream.received.at(-1)?.authorization).toBe(`Basic ${encoded}`)
  const shown = JSON.stringify([answers, basic.logged, shop.logged])
  expect(shown).toContain('[redacted]')
  expect(shown).not.toContain(SHOP_KEY)
  expect(shown).not.toContain(encoded)
  await basic.close()
})
