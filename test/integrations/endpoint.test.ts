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
  'openai',
  'openai/',
  '/openai',
  'openai//chat',
  'openai/chat/completion',
  'openai/..',
  '../openai',
  '../../admin',
  'openai/../resend/send',
  'openai/..%2fresend',
  '..%2f..%2fadmin/x',
  '%2e%2e/%2e%2e',
  'openai%2fchat',
  'openai%2Fchat-completion',
  'openai/chat%2f..',
  'openai%252fchat/x',
  'openai/%zz',
  'openai/chat\u0000',
  'openai/chat%00',
  'openai/chat?payer=caller',
  'openai/chat#x',
  'openai/chat;x',
  'openai/chat\\..',
  'openai\\chat/x',
  'openai/chat\r\nHost: evil.test',
  ' openai/chat',
  'openai/chat ',
  'OpenAI/chat',
  'openai/Chat',
  'openai/chät',
  '__proto__/x',
  'openai/__proto__',
  '.hidden/x',
  '-x/y',
  '@evil.test/x',
  'http://evil.test/x',
  'https://evil.test',
  '//evil.test/x',
  'evil.test:80/x',
  `openai/${'x'.repeat(101)}`,
])('the endpoint %j is refused before anything leaves the process', async (endpoint) => {
  const outcome = await probe.run((ctx) => ctx.tools.integration(endpoint, { secret: 1 }))
  expect(outcome).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  expect(probe.upstream.received).toEqual([])
})

it.each([undefined, null, 7, {}, ['openai/chat', 'x']])(
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
  const outcome = await probe.run((ctx) => ctx.tools.integration('openai/chat', data as never))
  expect(outcome).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  expect(probe.upstream.received).toEqual([])
})

it.each([
  ['openai/chat-completion', '/api/integrations/openai/chat-completion'],
  ['constructor/tostring', '/api/integrations/constructor/tostring'],
  ['open%61i/v1.2_x', '/api/integrations/openai/v1.2_x'],
])('%j is called at %s and nowhere else', async (endpoint, path) => {
  const before = probe.upstream.received.length
  const outcome = await probe.run((ctx) => ctx.tools.integration(endpoint))
  expect(outcome).toMatchObject({ success: true })
  expect(probe.upstream.received.slice(before)).toMatchObject([{ method: 'POST', path, body: {} }])
})
