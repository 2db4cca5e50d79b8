import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineIntegrations } from '../../server/integrations/declarations.ts'
import type { Payer } from '../../server/integrations/integrations.ts'
import { ask, configured } from './configured.ts'
import { timedOut } from './timed-out.ts'
import { json, startUpstream, type Upstream } from './upstream.ts'

const OWNER_JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJvd25lciJ9.owner-signature'
const CALLER_JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.caller-signature'

let upstream: Upstream
beforeAll(async () => {
  upstream = await startUpstream()
})
afterAll(() => upstream[Symbol.asyncDispose]())

const declarations = defineIntegrations({ own: { billing: 'user', clients: 'users' } })
const byProxy = (url: string, proxyTimeoutMs = 30_000) =>
  configured({ declarations, apiWorkerUrl: new URL(url), ownerJwt: OWNER_JWT, proxyTimeoutMs })

let serial = 0
/** Calls an endpoint of its own that answers so. */
async function call(
  answer: (response: ServerResponse) => unknown,
  options: { readonly payer?: Payer; readonly timeoutMs?: number } = {},
) {
  serial += 1
  const name = `${options.payer === 'caller' ? 'own' : 'bank'}/x${serial}`
  upstream.on(name, (_received, response) => answer(response))
  const integrations = byProxy(upstream.url, options.timeoutMs)
  try {
    const { result, cost } = await ask(integrations, name, { ask: 1 }, { callerJwt: CALLER_JWT })
    // The upstream bills by itself.
    expect(cost).toBe(0)
    return result
  } finally {
    await integrations.close()
  }
}

describe('a success', () => {
  it.each([
    ['its envelope is taken off', { success: true, data: { text: 'hi' } }, { text: 'hi' }],
    ['an envelope without data is the body itself', { success: true }, { success: true }],
    ['null is data', { success: true, data: null }, null],
    ['a body without envelope is the data', { choices: [1, 2] }, { choices: [1, 2] }],
    [
      'success that is no boolean makes no envelope',
      { success: 'true', data: 1 },
      { success: 'true', data: 1 },
    ],
    ['an array is data', [1, { a: 2 }], [1, { a: 2 }]],
    ['text is data', 'hello', 'hello'],
  ])('%s', async (_name, body, data) => {
    expect(await call((response) => json(response, 200, body))).toEqual({ success: true, data })
  })

  it('never holds the token that it was called with', async () => {
    const answer = await call((response) =>
      json(response, 200, { headers: { authorization: `Bearer ${OWNER_JWT}` } }),
    )
    expect(answer).toEqual({ success: true, data: { headers: { authorization: 'Bearer [redacted]' } } })
  })
})

describe('an error', () => {
  it.each([
    [402, { error: 'Out of credits.' }, 'PAYMENT_REQUIRED', 'Out of credits.'],
    [200, { success: false, error: 'Refused.', code: 'FORBIDDEN' }, 'FORBIDDEN', 'Refused.'],
    [422, { error: { message: 'Bad model.', code: 'BAD_REQUEST' } }, 'BAD_REQUEST', 'Bad model.'],
    [429, { message: 'Slow down.' }, 'TOO_MANY_REQUESTS', 'Slow down.'],
    [418, {}, 'BAD_REQUEST', 'answered with status 418'],
    [500, { error: 'Stack trace.' }, 'BAD_GATEWAY', 'Stack trace.'],
    [503, { error: 'Busy.' }, 'SERVICE_UNAVAILABLE', 'Busy.'],
    [599, {}, 'BAD_GATEWAY', 'answered with status 599'],
    [400, { error: 'x', code: '__proto__' }, 'BAD_REQUEST', 'x'],
    [400, { error: 'x', code: 'NO_SUCH_CODE' }, 'BAD_REQUEST', 'x'],
    [200, { success: false }, 'BAD_GATEWAY', 'answered with status 200'],
    [404, ['no object'], 'NOT_FOUND', 'answered with status 404'],
  ])('%i %j is %s', async (status, body, code, text) => {
    const answer = await call((response) => json(response, status, body))
    expect(answer).toMatchObject({ success: false, code, error: expect.stringContaining(text) })
  })

  it.each([
    ['owner', 'BAD_GATEWAY'],
    ['caller', 'UNAUTHORIZED'],
  ] as const)('401 for the token of the %s is %s', async (payer, code) => {
    const answer = await call((response) => json(response, 401, { error: 'Bad token.' }), { payer })
    expect(answer).toMatchObject({ success: false, code })
  })

  it('keeps its issues, at most 20 and each with its path', async () => {
    const issues = Array.from({ length: 30 }, (_, n) => ({
      path: ['messages', n, {}],
      message: `wrong ${n}`,
      code: 'too_big',
    }))
    const answer = await call((response) =>
      json(response, 400, { error: 'Invalid.', issues: ['odd', ...issues] }),
    )
    const kept = answer.success ? undefined : answer.issues
    expect(kept).toHaveLength(19)
    // What it is in a word is known of our own schemas alone.
    expect(kept?.[0]).toEqual({ path: ['messages', 0], message: 'wrong 0', code: 'custom', params: {} })
  })

  it.each([
    ['owner', OWNER_JWT],
    ['caller', CALLER_JWT],
  ] as const)('never repeats the token of the %s', async (payer, token) => {
    const body = { error: `Bad token ${token}`, issues: [{ path: [token], message: `not ${token}` }] }
    const answer = await call((response) => json(response, 400, body), { payer })
    expect(answer).toMatchObject({ error: expect.stringContaining('[redacted]') })
    expect(JSON.stringify(answer)).not.toContain(token)
  })

  it('is cut when it is long', async () => {
    const long = 'x'.repeat(100_000)
    const issues = [{ path: Array(30).fill(long), message: long }]
    const answer = await call((response) => json(response, 400, { error: long, issues }))
    expect(String(answer.error).length).toBeLessThan(600)
    expect(JSON.stringify(answer).length).toBeLessThan(20_000)
  })
})

describe('what is no usable answer', () => {
  const noAnswer: [string, string, (response: ServerResponse) => unknown][] = [
    [
      'a redirect elsewhere',
      'redirect',
      (r) => r.writeHead(302, { location: `${upstream.url}/elsewhere` }).end(),
    ],
    [
      'a redirect that keeps the method',
      'redirect',
      (r) => r.writeHead(307, { location: '/elsewhere' }).end(),
    ],
    ['HTML', 'not JSON', (r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<p>hi</p>')],
    ['no content type', 'not JSON', (r) => r.writeHead(200).end('{}')],
    ['broken JSON', 'not JSON', (r) => r.writeHead(200, { 'content-type': 'application/json' }).end('{"a":')],
    ['an empty body', 'not JSON', (r) => r.writeHead(200, { 'content-type': 'application/json' }).end()],
    [
      'JSON nested without end',
      'not JSON',
      (r) => r.writeHead(200, { 'content-type': 'application/json' }).end('['.repeat(1e6) + ']'.repeat(1e6)),
    ],
    [
      'a body above the limit',
      'too large',
      (r) => r.writeHead(200, { 'content-type': 'application/json' }).end(`"${'x'.repeat(5 * 2 ** 20)}"`),
    ],
    [
      'a small body that unpacks to a large one',
      'too large',
      (r) =>
        r
          .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
          .end(gzipSync(`"${'x'.repeat(50 * 2 ** 20)}"`)),
    ],
    ['a reset before the headers', 'unreachable', (r) => r.socket?.resetAndDestroy()],
    [
      'a reset in the headers',
      'unreachable',
      (r) => r.socket?.write('HTTP/1.1 200 OK\r\ncontent-ty', () => r.socket?.resetAndDestroy()),
    ],
    [
      'a reset after the headers',
      'unreachable',
      (r) => {
        r.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        r.write('{"half":', () => r.socket?.resetAndDestroy())
      },
    ],
  ]
  it.each(noAnswer)('%s is a BAD_GATEWAY: %s', async (_name, reason, answer) => {
    const before = upstream.received.length
    const result = await call(answer)
    expect(result).toMatchObject({
      success: false,
      code: 'BAD_GATEWAY',
      error: expect.stringContaining(`(${reason})`),
    })
    expect(upstream.received).toHaveLength(before + 1)
  })

  const endless: [string, (response: ServerResponse) => unknown][] = [
    ['headers that never come', () => {}],
    [
      'a body that never ends',
      (r) => r.writeHead(200, { 'content-type': 'application/json' }).write('{"half":'),
    ],
  ]
  it.each(endless)('%s is a GATEWAY_TIMEOUT, and is not asked again', async (_name, answer) => {
    const before = upstream.received.length
    const isAsked = () => upstream.received.length > before
    const result = await timedOut(100, isAsked, () => call(answer, { timeoutMs: 100 }))
    expect(result).toMatchObject({ success: false, code: 'GATEWAY_TIMEOUT' })
    expect(upstream.received).toHaveLength(before + 1)
  })

  it('nobody listening is a BAD_GATEWAY', async () => {
    const gone = await startUpstream()
    await gone[Symbol.asyncDispose]()
    expect(await ask(byProxy(gone.url), 'bank/x')).toMatchObject({
      outcome: 'nothing',
      cost: 0,
      result: {
        success: false,
        code: 'BAD_GATEWAY',
        error: expect.stringContaining('(unreachable)'),
        details: { outcome: 'not sent' },
      },
    })
  })
})
