import { afterAll, beforeAll, expect, it } from 'vitest'
import { createProbe, type Probe } from '../invocation/probe.ts'

let probe: Probe
beforeAll(async () => {
  probe = await createProbe()
})
afterAll(() => probe[Symbol.asyncDispose]())

it.each([
  '',
  '/',
  'bank',
  'bank/',
  '/openai',
  'bank//chat',
  'bank/chat/completion',
  'bank/..',
  '../openai',
  '../../admin',
  'bank/../resend/send',
  'bank/..%2fresend',
  '..%2f..%2fadmin/x',
  '%2e%2e/%2e%2e',
  'bank%2fchat',
  'bank%2Fchat-completion',
  'bank/chat%2f..',
  'bank%252fchat/x',
  'bank/%zz',
  'bank/chat\u0000',
  'bank/chat%00',
  'bank/chat?payer=caller',
  'bank/chat#x',
  'bank/chat;x',
  'bank/chat\\..',
  'bank\\chat/x',
  'bank/chat\r\nHost: evil.test',
  ' bank/chat',
  'bank/chat ',
  'Bank/chat',
  'bank/Chat',
  'bank/chät',
  '__proto__/x',
  'bank/__proto__',
  '.hidden/x',
  '-x/y',
  '@evil.test/x',
  'http://evil.test/x',
  'https://evil.test',
  '//evil.test/x',
  'evil.test:80/x',
  `bank/${'x'.repeat(101)}`,
])('the endpoint %j is refused before anything leaves the process', async (endpoint) => {
  const outcome = await probe.run((ctx) => ctx.tools.integration(endpoint, { secret: 1 }))
  expect(outcome).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  expect(probe.upstream.received).toEqual([])
})

it.each([undefined, null, 7, {}, ['bank/chat', 'x']])(
  'the endpoint %j, which is no text, is refused',
  async (endpoint) => {
    const outcome = await probe.run((ctx) => ctx.tools.integration(endpoint as unknown as string))
    expect(outcome).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect(probe.upstream.received).toEqual([])
  },
)

it.each([
  ['a Date', { at: new Date(0) }],
  ['a bigint', { n: 1n }],
  ['NaN', { n: Number.NaN }],
  ['a Map', new Map()],
  ['a lone surrogate', '\ud800'],
])('data that holds %s is refused before anything leaves the process', async (_name, data) => {
  const outcome = await probe.run((ctx) => ctx.tools.integration('bank/chat', data as never))
  expect(outcome).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  expect(probe.upstream.received).toEqual([])
})

it.each([
  ['bank/chat-completion', '/api/integrations/bank/chat-completion'],
  ['constructor/tostring', '/api/integrations/constructor/tostring'],
  ['b%61nk/v1.2_x', '/api/integrations/bank/v1.2_x'],
])('%j is called at %s and nowhere else', async (endpoint, path) => {
  const before = probe.upstream.received.length
  const outcome = await probe.run((ctx) => ctx.tools.integration(endpoint))
  expect(outcome).toMatchObject({ success: true })
  expect(probe.upstream.received.slice(before)).toMatchObject([{ method: 'POST', path, body: {} }])
})
