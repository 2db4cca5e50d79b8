import type { RequestListener } from 'node:http'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openClient, startHttp } from './outside.ts'

const NOW = new Date('2026-11-25T12:00:00Z')
const notJson = { kind: 'failed', reason: 'not JSON', wasSent: true, status: 200 }

/** What the client makes of an answer with this status, these headers and this body. */
async function received(status: number, headers: Record<string, string>, body?: string | Buffer) {
  await using upstream = await startHttp((_request, response) =>
    response.writeHead(status, headers).end(body),
  )
  await using client = openClient({ allowPrivate: [upstream.target], clock: () => NOW })
  return client.to(upstream.url)
}

const json = { 'content-type': 'application/json' }

describe('a request', () => {
  it('arrives with its method, path, query, headers and body', async () => {
    const seen: unknown[] = []
    const echo: RequestListener = async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { 'content-type': type, accept, authorization } = request.headers
      seen.push([request.method, request.url, type, accept, authorization, Buffer.concat(chunks).toString()])
      response.writeHead(200, json).end('{}')
    }
    await using upstream = await startHttp(echo)
    await using client = openClient({ allowPrivate: [upstream.target] })
    const headers = { Authorization: 'Bearer key', Accept: 'application/vnd.api+json' }
    await client.to(`${upstream.url}/a/b?c=d%2F#e`, { method: 'POST', headers, body: { text: 'é' } })
    await client.to(upstream.url)
    expect(seen).toEqual([
      ['POST', '/a/b?c=d%2F', 'application/json', 'application/vnd.api+json', 'Bearer key', '{"text":"é"}'],
      ['GET', '/', undefined, 'application/json', undefined, ''],
    ])
  })

  it('takes a connection that is still open', async () => {
    await using upstream = await startHttp((_request, response) => response.writeHead(200, json).end('{}'))
    await using client = openClient({ allowPrivate: [upstream.target] })
    for (let sent = 0; sent < 10; sent += 1) await client.to(upstream.url)
    expect(upstream.requests).toHaveLength(10)
    expect(upstream.connections()).toBeLessThan(10)
  })

  it.each<[string, Record<string, string>]>([
    ['a line break in a value', { authorization: 'Bearer a\r\nx: y' }],
    ['a line feed in a value', { authorization: 'Bearer a\n' }],
    ['NUL in a value', { authorization: 'a\0b' }],
    ['a tab in a value', { authorization: 'a\tb' }],
    ['DEL in a value', { authorization: 'a\x7fb' }],
    ['a control character of Latin-1 in a value', { authorization: 'a\x85b' }],
    ['a value beyond Latin-1', { authorization: 'clé → ключ' }],
    ['a line break in a name', { 'x\r\ny': 'z' }],
    ['an empty name', { '': 'z' }],
    ['another host', { Host: 'elsewhere.test' }],
    ['a length', { 'Content-Length': '1' }],
    ['a transfer coding', { 'transfer-encoding': 'chunked' }],
    ['an upgrade', { upgrade: 'websocket' }],
  ])('with %s is not sent', async (_what, headers) => {
    await using upstream = await startHttp((_request, response) => response.end())
    await using client = openClient({ allowPrivate: [upstream.target] })
    const response = await client.to(upstream.url, { headers })
    expect(response).toEqual({ kind: 'failed', reason: 'not sent', wasSent: false })
    expect(upstream.connections()).toBe(0)
  })

  it.each(['ftp://127.0.0.1/', 'file:///etc/passwd', 'http://user:password@127.0.0.1/'])(
    'to %s is not sent',
    async (url) => {
      await using client = openClient({ allowPrivate: ['127.0.0.1:80', '127.0.0.1:21'] })
      expect(await client.to(url)).toEqual({ kind: 'failed', reason: 'not sent', wasSent: false })
    },
  )

  it('is not sent by a client that is closed, which waits for those under way', async () => {
    await using upstream = await startHttp((_request, response) => response.writeHead(200, json).end('1'))
    await using client = openClient({ allowPrivate: [upstream.target] })
    const underWay = client.to(upstream.url)
    await client.close()
    expect(await underWay).toMatchObject({ kind: 'answer', body: 1 })
    expect(await client.to(upstream.url)).toEqual({ kind: 'failed', reason: 'not sent', wasSent: false })
  })
})

describe('an answer', () => {
  it.each([
    ['as it is', 'identity', (text: string) => Buffer.from(text)],
    ['as gzip', 'gzip', gzipSync],
    ['as deflate', 'deflate', deflateSync],
    ['as brotli', 'br', brotliCompressSync],
  ])('is read %s', async (_how, coding, compress) => {
    const answer = await received(201, { ...json, 'content-encoding': coding }, compress('{"a":["é",null]}'))
    expect(answer).toEqual({
      kind: 'answer',
      status: 201,
      body: { a: ['é', null] },
      retryAfterSeconds: undefined,
    })
  })

  it.each([
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/problem+json',
    'application/vnd.x.v1+json;a=b',
  ])('is JSON as %s', async (type) => {
    expect(await received(200, { 'content-type': type }, '[1]')).toMatchObject({ kind: 'answer', body: [1] })
  })

  it('without content has the body null', async () => {
    expect(await received(204, {})).toMatchObject({ kind: 'answer', status: 204, body: null })
  })

  it.each<[string, Record<string, string>, string | Buffer]>([
    ['HTML', { 'content-type': 'text/html' }, '<p>Welcome</p>'],
    ['JSON by another name', { 'content-type': 'text/plain' }, '{}'],
    ['JSON without a name', {}, '{}'],
    ['a stream of JSON', { 'content-type': 'application/json-seq' }, '{}'],
    ['broken JSON', json, '{"a":'],
    ['nothing', json, ''],
    ['no UTF-8', json, Buffer.from([0x22, 0xff, 0x22])],
    ['a number without end', json, '1e999'],
    ['nesting without end', json, `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['a key of the prototype', json, '{"__proto__":{}}'],
    ['corrupt gzip', { ...json, 'content-encoding': 'gzip' }, '{}'],
    ['gzip cut short', { ...json, 'content-encoding': 'gzip' }, gzipSync('{"a":1}').subarray(0, -9)],
    ['corrupt brotli', { ...json, 'content-encoding': 'br' }, 'no brotli at all'],
    ['an unknown coding', { ...json, 'content-encoding': 'zstd' }, '{}'],
    ['a coding upon a coding', { ...json, 'content-encoding': 'gzip, gzip' }, gzipSync(gzipSync('{}'))],
  ])('of %s is no JSON as a success, and null as an error', async (_what, headers, body) => {
    expect(await received(200, headers, body)).toEqual(notJson)
    expect(await received(502, headers, body)).toMatchObject({ kind: 'answer', status: 502, body: null })
  })

  it('of an error keeps its status and its JSON', async () => {
    const body = { error: { message: 'Unknown model' } }
    expect(await received(400, json, JSON.stringify(body))).toMatchObject({
      kind: 'answer',
      status: 400,
      body,
    })
  })

  it.each([
    ['1', 1],
    ['120', 120],
    ['3600', 3600],
    ['3601', 3600],
    ['9'.repeat(30), 3600],
    ['Wed, 25 Nov 2026 12:00:30 GMT', 30],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 3600],
    ['Wed, 25 Nov 2026 11:59:59 GMT', undefined],
    ['0', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['soon', undefined],
    ['2099-01-01', undefined],
    ['Xyz, 99 Xyz 2026 99:99:99 GMT', undefined],
  ])('that asks for a pause of %s waits %s seconds', async (retryAfter, retryAfterSeconds) => {
    const answer = await received(429, { ...json, 'retry-after': retryAfter }, '{}')
    expect(answer).toEqual({ kind: 'answer', status: 429, body: {}, retryAfterSeconds })
  })
})
