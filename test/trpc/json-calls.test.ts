import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callablesOf } from '../../server/trpc/callable.ts'
import { readJsonCalls } from '../../server/trpc/json-calls.ts'
import { decodeUtf8 } from '../../server/wire/parse-json.ts'
import { type Sent, sendAsIs } from '../http/send-as-is.ts'
import { variedActions } from '../http/varied-actions.ts'
import { createTestApp } from '../support/test-app.ts'

const newApp = () => createTestApp({ actions: variedActions, corsOrigins: [PAGE] })
const PAGE = 'https://page.test'
let app: Awaited<ReturnType<typeof newApp>>
let url: string
let token: string
beforeAll(async () => {
  app = await newApp()
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

/** Whether an address and a body are answered without tRPC's adapter. */
function isOurs({ method = 'POST', path, body }: Sent): boolean {
  const { pathname, search } = new URL(path, 'http://deputy.test')
  const text = body === undefined ? undefined : decodeUtf8(Buffer.from(body))
  const paths = pathname.slice('/trpc/'.length)
  return readJsonCalls(callablesOf(app.router), { method, paths, search, text }) !== undefined
}

/** A parameter that says nothing, with which tRPC's adapter answers. */
function leftToTrpc(sent: Sent): Sent {
  return { ...sent, path: `${sent.path}${sent.path.includes('?') ? '&' : '?'}nothing=1` }
}

/** Sends the same twice, to us and to tRPC's adapter. */
async function expectSameAnswers(sent: Sent): Promise<void> {
  const answer = await sendAsIs(url, { token, ...sent })
  expect(answer).toEqual(await sendAsIs(url, leftToTrpc({ token, ...sent })))
}

const ONE = '/trpc/actions.'
const ENVELOPE = JSON.stringify({ json: {} })
const NOTE = { json: { note: 'a' } }
const batchOf = (...paths: readonly string[]) => `/trpc/${paths}?batch=1`
const batch = (...names: readonly string[]) => batchOf(...names.map((name) => `actions.${name}`))
const inputs = (...values: readonly unknown[]) => JSON.stringify(Object.assign({}, values))
const input = (value: unknown) => `input=${encodeURIComponent(JSON.stringify(value))}`
const get = (path: string): Sent => ({ method: 'GET', path })

type Row = readonly [title: string, sent: Sent]
const OURS: readonly Row[] = [
  ['a call', { path: `${ONE}echo`, body: '{"json":{"note":"ä€😀"}}' }],
  [
    'a date',
    {
      path: `${ONE}echo`,
      body: '{"json":{"at":"2030-01-01T00:00:00Z"},"meta":{"values":{"at":["Date"]},"v":1}}',
    },
  ],
  ['a byte order mark', { path: `${ONE}echo`, body: `\ufeff${ENVELOPE}` }],
  [
    'a charset',
    { path: `${ONE}echo`, body: ENVELOPE, headers: [['content-type', 'application/json; charset=utf-8']] },
  ],
  ['chunks', { path: `${ONE}echo`, body: ENVELOPE, headers: [['transfer-encoding', 'chunked']] }],
  ['a page of another origin', { path: `${ONE}echo`, body: ENVELOPE, headers: [['origin', PAGE]] }],
  [
    'a page that may not call',
    { path: `${ONE}echo`, body: ENVELOPE, headers: [['origin', 'https://x.test']] },
  ],
  ['what is no envelope', { path: `${ONE}echo`, body: '{"note":"a"}' }],
  ['null', { path: `${ONE}echo`, body: 'null' }],
  ['a list', { path: `${ONE}echo`, body: '[]' }],
  ['a Map', { path: `${ONE}echo`, body: '{"json":{"at":[]},"meta":{"values":{"at":["map"]}}}' }],
  ['NUL', { path: `${ONE}echo`, body: '{"json":{"note":"\\u0000"}}' }],
  ['an unknown key', { path: `${ONE}echo`, body: '{"json":{"other":1}}' }],
  ['an asynchronous check', { path: `${ONE}checked`, body: '{"json":{"note":"bad"}}' }],
  ['a schema that throws', { path: `${ONE}broken`, body: JSON.stringify(NOTE) }],
  ['a failure', { path: `${ONE}refuse`, body: ENVELOPE }],
  ['a gate', { path: `${ONE}ownersOnly`, body: ENVELOPE }],
  ['an error', { path: `${ONE}throws`, body: ENVELOPE }],
  ['an answer that cannot be sent', { path: `${ONE}cannotBeSent`, body: ENVELOPE }],
  ['a key that is none', { path: `${ONE}echo`, body: ENVELOPE, headers: [['idempotency-key', 'a b']] }],
  ['a batch', { path: batch('echo', 'refuse'), body: inputs({ json: {} }, { json: {} }) }],
  ['a batch of one', { path: batch('echo'), body: inputs({ json: {} }) }],
  [
    'a batch with an error',
    { path: batch('echo', 'throws', 'echo'), body: inputs({ json: {} }, { json: {} }, {}) },
  ],
  [
    'a batch of errors',
    { path: batch('ownersOnly', 'ownersOnly'), body: inputs({ json: {} }, { json: {} }) },
  ],
  [
    'a batch that cannot be sent',
    { path: batch('echo', 'cannotBeSent'), body: inputs({ json: {} }, { json: {} }) },
  ],
  ['too many inputs', { path: batch('echo'), body: inputs({ json: {} }, { json: {} }) }],
  ['too few inputs', { path: batch('echo', 'echo'), body: inputs({ json: {} }) }],
  ['no inputs', { path: batch('echo', 'echo'), body: '{}' }],
  ['a writing procedure that is no action', { path: '/trpc/records.events.create', body: ENVELOPE }],
  [
    'actions beside other procedures',
    { path: batchOf('actions.echo', 'users.setRole', 'records.events.remove'), body: inputs({ json: {} }) },
  ],
  ['a query by POST', { path: `${ONE}look`, body: JSON.stringify(NOTE) }],
  ['queries by POST', { path: batchOf('actions.look', 'users.me'), body: inputs(NOTE) }],
  ['a query by GET', get(`${ONE}look?${input(NOTE)}`)],
  ['a query without an input', get('/trpc/users.me')],
  ['a query with an empty input', get('/trpc/integrations.list?input=')],
  ['a query that needs one', get(`${ONE}look`)],
  ['records', get(`/trpc/records.events.list?${input({ json: { limit: 2 } })}`)],
  ['a condition that is none', get(`/trpc/records.events.list?${input({ json: { where: 1 } })}`)],
  ['a procedure for others', get('/trpc/outbox.list')],
  ['a batch by GET', get(`/trpc/actions.look,users.me?batch=1&${input({ 0: NOTE })}`)],
  ['its parameters the other way round', get(`/trpc/users.me?${input({})}&batch=1`)],
  ['a key for what reads', { ...get('/trpc/users.me'), headers: [['idempotency-key', 'a']] }],
]

const LEFT: readonly Row[] = [
  ['an action that is none', { path: batch('echo', 'nothing'), body: inputs({ json: {} }, { json: {} }) }],
  ['a name of every object', { path: `${ONE}constructor`, body: ENVELOPE }],
  ['an encoded name', { path: `${ONE}%65cho`, body: ENVELOPE }],
  ['an encoded comma', { path: '/trpc/actions.echo%2Cactions.echo?batch=1', body: inputs(NOTE, NOTE) }],
  ['a comma outside a batch', { path: '/trpc/actions.echo,actions.echo', body: ENVELOPE }],
  ['a slash at the end', { path: `${ONE}echo/`, body: ENVELOPE }],
  ['another value of batch', { path: `${ONE}echo?batch=0`, body: ENVELOPE }],
  ['an input in the address of a POST', { path: `${ONE}echo?${input(NOTE)}`, body: ENVELOPE }],
  ['a batch twice', get('/trpc/users.me?batch=1&batch=1')],
  ['two inputs', get(`${ONE}look?${input(NOTE)}&${input(NOTE)}`)],
  ['no JSON', { path: `${ONE}echo`, body: '{"json":' }],
  ['no JSON in an address', get(`${ONE}look?input=%7B`)],
  ['a batch that is a list', { path: batch('echo'), body: '[{"json":{}}]' }],
  ['a batch that is null', { path: batch('echo'), body: 'null' }],
  ['a batch too large', { path: batch(...Array<string>(11).fill('echo')), body: inputs(NOTE) }],
  ['reading and writing in one batch', { path: batch('echo', 'look'), body: inputs(NOTE, NOTE) }],
  ['a mutation by GET', get(`${ONE}echo?${input(NOTE)}`)],
  ['HEAD', { method: 'HEAD', path: `${ONE}look` }],
  ['OPTIONS', { method: 'OPTIONS', path: `${ONE}look` }],
  ['PUT', { method: 'PUT', path: `${ONE}echo`, body: ENVELOPE }],
]

/** Answered the same; what decides is no part of the address. */
const OTHERS: readonly Row[] = [
  ['no token', { path: `${ONE}echo`, body: ENVELOPE, token: undefined }],
  ['no token, for what anybody may ask', { ...get('/trpc/integrations.list'), token: undefined }],
  ['a token that is none', { path: `${ONE}echo`, body: ENVELOPE, token: 'a.b.c' }],
  ['a batch without a token', { path: batch('echo', 'nothing'), body: inputs(NOTE, NOTE), token: undefined }],
  [
    'JSON lines',
    { path: batch('echo'), body: inputs(NOTE), headers: [['trpc-accept', 'application/jsonl']] },
  ],
  [
    'JSON lines by Accept',
    { path: batch('echo'), body: inputs(NOTE), headers: [['accept', 'application/jsonl']] },
  ],
  [
    'JSON lines outside a batch',
    { path: `${ONE}echo`, body: ENVELOPE, headers: [['accept', 'application/jsonl']] },
  ],
  ['no UTF-8', { path: `${ONE}echo`, body: Uint8Array.of(34, 0xff, 34) }],
  ['another type', { path: `${ONE}echo`, body: ENVELOPE, headers: [['content-type', 'text/plain']] }],
  ['an encoding', { path: `${ONE}echo`, body: ENVELOPE, headers: [['content-encoding', 'gzip']] }],
  ['neither a body nor a type', { path: `${ONE}echo`, headers: [['content-length', '0']] }],
  ['no body', { path: `${ONE}echo`, body: '' }],
  ['a form by GET', { ...get('/trpc/users.me'), headers: [['content-type', 'multipart/form-data']] }],
  ['JSON by GET', { ...get('/trpc/users.me'), headers: [['content-type', 'application/json']] }],
  [
    'too few slots',
    { path: batch('echo', 'echo'), body: inputs(NOTE, NOTE), headers: [['idempotency-key', 'a']] },
  ],
]

describe('what is plain is answered as tRPC answers it', () => {
  it.each(OURS)('%s', async (_title, sent) => {
    expect(isOurs(sent)).toBe(true)
    expect(isOurs(leftToTrpc(sent))).toBe(false)
    await expectSameAnswers(sent)
  })

  it.each(LEFT)('and left to it is %s', async (_title, sent) => {
    expect(isOurs(sent)).toBe(false)
    await expectSameAnswers(sent)
  })

  it.each(OTHERS)('as is %s', async (_title, sent) => {
    await expectSameAnswers(sent)
  })

  it('whatever is sent', async () => {
    const json = fc.json({ maxDepth: 3 })
    const body = fc.oneof(
      json,
      json.map((text) => `{"json":${text}}`),
      fc.tuple(json, json).map(([first, second]) => `{"0":{"json":${first}},"1":${second}}`),
      fc.string({ unit: 'binary', minLength: 1 }),
    )
    const posted = fc.record({
      path: fc.constantFrom(`${ONE}echo`, `${ONE}look`, batch('echo', 'checked'), batch('look', 'look')),
      body,
    })
    const asked = fc
      .tuple(fc.constantFrom(`${ONE}look?`, '/trpc/actions.look,users.me?batch=1&'), body)
      .filter(([, text]) => text.isWellFormed())
      .map(([path, text]) => get(`${path}input=${encodeURIComponent(text)}`))
    await fc.assert(
      fc.asyncProperty(fc.oneof(posted, asked), (sent) => expectSameAnswers(sent)),
      { numRuns: 150 },
    )
  })

  it('a repeated key', async () => {
    const sent: Sent = {
      path: `${ONE}write`,
      body: JSON.stringify({ json: { title: 'a' } }),
      headers: [['idempotency-key', 'again']],
    }
    await sendAsIs(url, { token, ...sent })
    await expectSameAnswers(sent)
    await expectSameAnswers({ ...sent, body: JSON.stringify({ json: { title: 'b' } }) })
    await expectSameAnswers({
      path: batch('write', 'echo'),
      body: inputs({ json: { title: 'a' } }, { json: {} }),
      headers: [['idempotency-key', 'again,']],
    })
  })
})
