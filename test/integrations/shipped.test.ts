import { afterAll, beforeAll, expect, it } from 'vitest'
import { fixture } from '../fixture/app.ts'
import { ask, configured } from './configured.ts'
import { json, startUpstream, type Upstream } from './upstream.ts'

let upstream: Upstream
let integrations: ReturnType<typeof configured>
beforeAll(async () => {
  upstream = await startUpstream()
  integrations = configured({
    declarations: fixture.integrations,
    env: {
      OPENAI_BASE_URL: `${upstream.url}/v1`,
      OPENAI_API_KEY: 'k-openai',
      RESEND_BASE_URL: upstream.url,
      RESEND_API_KEY: 'k-resend',
      WEATHER_BASE_URL: upstream.url,
      LIBRETRANSLATE_BASE_URL: upstream.url,
    },
  })
})
afterAll(async () => {
  await integrations.close()
  await upstream[Symbol.asyncDispose]()
})

const answer = (path: string, body: unknown) =>
  upstream.onPath(path, (_received, response) => json(response, 200, body))

const CHAT = { model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'Grüße' }] }
/** Of the bytes of the request, and of the most that may be answered. */
const CHAT_RESERVE = Buffer.byteLength(JSON.stringify(CHAT)) * 150 + 10 * 600

it.each([
  ['as its usage says', { prompt_tokens: 4, completion_tokens: 2 }, 4 * 150 + 2 * 600],
  ['its reserve where nothing is said of its usage', undefined, CHAT_RESERVE],
  ['its reserve at most', { prompt_tokens: 1e9, completion_tokens: 1e9 }, CHAT_RESERVE],
])('a chat completion costs %s', async (_what, usage, cost) => {
  const body = { choices: [{ message: { role: 'assistant', content: 'Hi' } }], usage }
  answer('/v1/chat/completions', body)
  expect(integrations.plan('openai/chat-completion', CHAT)).toMatchObject({ data: { reserve: CHAT_RESERVE } })
  expect(await ask(integrations, 'openai/chat-completion', CHAT)).toMatchObject({
    result: { success: true, data: { choices: body.choices } },
    cost,
  })
  expect(upstream.received.at(-1)).toMatchObject({ authorization: 'Bearer k-openai', body: CHAT })
})

it('a mail goes with the key of the call, and costs half a credit', async () => {
  const mail = { from: 'a@example.com', to: 'b@example.com', subject: 'Hi', text: 'Hi' }
  answer('/emails', { id: 'm1' })
  expect(await ask(integrations, 'resend/email', mail)).toMatchObject({
    result: { data: { id: 'm1' } },
    cost: 500_000,
  })
  expect(upstream.received.at(-1)).toMatchObject({
    headers: { 'idempotency-key': 'key-of-the-call' },
    body: mail,
  })
})

it('a forecast is asked for by place, without a key, and costs a credit', async () => {
  const path = '/v1/forecast?latitude=52.5&longitude=-13.4&current=temperature_2m%2Cwind_speed_10m'
  const current = { time: '2026-11-01T10:00', temperature_2m: 7.5, wind_speed_10m: 12 }
  answer(path, { current, elevation: 38 })
  expect(await ask(integrations, 'weather/forecast', { latitude: 52.5, longitude: -13.4 })).toMatchObject({
    result: { data: { current, elevation: 38 } },
    cost: 1_000_000,
  })
  expect(upstream.received.at(-1)?.authorization).toBeUndefined()
})

it('a translation is the caller’s, and costs two credits', async () => {
  answer('/translate', { translatedText: 'Hallo' })
  const data = { q: 'Hello', source: 'en', target: 'de' }
  expect(integrations.plan('libretranslate/translate', data)).toMatchObject({ data: { payer: 'caller' } })
  expect(await ask(integrations, 'libretranslate/translate', data)).toMatchObject({
    result: { data: { translatedText: 'Hallo' } },
    cost: 2_000_000,
  })
  expect(upstream.received.at(-1)?.body).toEqual({ ...data, format: 'text' })
})

it.each([
  ['openai/chat-completion', { ...CHAT, max_tokens: undefined }],
  ['openai/chat-completion', { ...CHAT, n: 100 }],
  ['openai/chat-completion', { ...CHAT, max_tokens: 32_001 }],
  ['openai/chat-completion', { ...CHAT, messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
  ['resend/email', { from: 'a@example.com', to: 'b@example.com', subject: 'No text' }],
  ['resend/email', { from: 'a@example.com', to: Array(51).fill('b@example.com'), subject: 'x', text: 'x' }],
  ['weather/forecast', { latitude: 91, longitude: 0 }],
  ['weather/forecast', { latitude: '52', longitude: 0 }],
  ['libretranslate/translate', { q: 'x', source: 'en', target: '../de' }],
])('what could cost more, or is no such call, is refused: %s %j', (name, data) => {
  expect(integrations.plan(name, data as never)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
})
