import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../server/core/result.ts'
import type { OutboundRequest } from '../../server/integrations/exchange.ts'
import { openClient, startHttp } from './outside.ts'

const SECRET = 'sk-live/4f9+a"b\\c.é$&'
const ESCAPED = [...SECRET]
  .map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
  .join('')

/** What the client makes of this text as an answer, to a request with these secrets. */
async function received(text: string, secrets: OutboundRequest['secrets'], status = 200) {
  await using upstream = await startHttp((_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(text),
  )
  await using client = openClient({ allowPrivate: [upstream.target] })
  return client.to(upstream.url, { secrets })
}

describe('a secret of the request comes back', () => {
  it.each<[string, string, JsonValue]>([
    ['a value', JSON.stringify({ a: [`your key ${SECRET}!`] }), { a: ['your key [redacted]!'] }],
    ['a value twice', JSON.stringify(`${SECRET}${SECRET}`), '[redacted][redacted]'],
    ['a key', JSON.stringify({ [`x-${SECRET}`]: { [SECRET]: 1 } }), { 'x-[redacted]': { '[redacted]': 1 } }],
    ['escapes', `{"a":"${ESCAPED}"}`, { a: '[redacted]' }],
  ])('neither in %s of an answer nor of an error', async (_where, text, body) => {
    expect(await received(text, [SECRET])).toMatchObject({ kind: 'answer', body })
    expect(await received(text, [SECRET], 401)).toMatchObject({ kind: 'answer', status: 401, body })
  })

  it.each<[string, readonly string[], JsonValue, JsonValue]>([
    ['when it is short', ['k1-k1-k1'], 'k1-k1-k1 k2', '[redacted] k2'],
    [
      'when it begins like another one',
      ['abcdefgh', 'abcdefgh-1'],
      'abcdefgh-1 abcdefgh',
      '[redacted] [redacted]',
    ],
    ['as a number', ['12345678'], [12345678, 1234567], ['[redacted]', 1234567]],
    [
      'as a number that is too long for one',
      ['12345678901234567890'],
      Number('12345678901234567890'),
      '[redacted]',
    ],
  ])('not even %s', async (_what, secrets, sent, body) => {
    expect(await received(JSON.stringify(sent), secrets)).toMatchObject({ kind: 'answer', body })
  })

  it('and an empty one hides nothing', async () => {
    expect(await received('{"a":"b"}', [''])).toMatchObject({ kind: 'answer', body: { a: 'b' } })
  })
})

describe('whatever the answer', () => {
  it('the client never throws, and never says the secret', async () => {
    let answer: { status: number; headers: Record<string, string>; body: string | Buffer } | undefined
    await using upstream = await startHttp((_request, response) => {
      response.writeHead(answer?.status ?? 500, answer?.headers).end(answer?.body)
    })
    await using client = openClient({ allowPrivate: [upstream.target] })
    const texts = fc.oneof(fc.string(), fc.constant(SECRET), fc.constant(`<${SECRET}>`))
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        texts,
        fc.double(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(texts, tie('value'), { maxKeys: 4 }),
      ),
    }))
    const answers = fc.record({
      status: fc.constantFrom(200, 201, 204, 301, 400, 401, 429, 500),
      headers: fc.constantFrom<Record<string, string>>(
        {},
        { 'content-type': 'application/json' },
        { 'content-type': 'application/json', 'retry-after': SECRET.replaceAll(/[^ -~]/g, '') },
        { 'content-type': 'application/json', 'content-encoding': 'gzip' },
        { 'content-type': 'text/html', location: 'http://127.0.0.1:1/' },
      ),
      body: fc.oneof(
        value.map((each) => JSON.stringify(each)),
        fc.string().map((text) => `${text}${SECRET}`),
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
    })
    await fc.assert(
      fc.asyncProperty(answers, async (each) => {
        answer = each
        const url = `${upstream.url}/?key=${encodeURIComponent(SECRET)}`
        const response = await client.to(url, { secrets: [SECRET], headers: { 'x-key': SECRET } })
        expect(['answer', 'failed']).toContain(response.kind)
        expect(strings(response).filter((text) => text.includes(SECRET))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

/** All keys and texts in a value. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => [key, ...strings(member)])
}
