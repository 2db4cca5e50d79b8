import { once } from 'node:events'
import { request } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get, post } from './send.ts'

let app: TestApp
let url: string
let files: readonly string[]
beforeAll(async () => {
  app = await createTestApp({ apiDocs: 'users' })
  url = await app.listen()
  const shell = await get(`${url}/docs`)
  files = [...shell.text.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path = '']) => path)
})
afterAll(() => app[Symbol.asyncDispose]())

/** The bytes as they came. */
async function send(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const sending = request(url + path, {
    method,
    headers: { 'x-request-id': 'the-request', ...headers },
  }).end()
  const [response] = await once(sending, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return { status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks) }
}

it('the shell lets in nothing from elsewhere, is shown in no other page, and names no address to another', async () => {
  const { status, headers } = await send('/docs')
  const { date: _date, connection: _connection, 'keep-alive': _keptAlive, etag, ...others } = headers
  expect(status).toBe(200)
  expect(etag).toMatch(/^W\/"[\w-]{22}"$/)
  expect(others).toEqual({
    'cache-control': 'no-cache',
    'content-length': expect.any(String),
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'content-type': 'text/html; charset=utf-8',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    vary: 'Accept-Encoding',
    'x-content-type-options': 'nosniff',
    'x-request-id': 'the-request',
  })
})

it('the shell is the same for every app, and its files are four of the server’s', async () => {
  await using other = await createTestApp({
    apiDocs: 'users',
    actions: {},
    routes: undefined,
  })
  const [shell, same] = [await get(`${url}/docs`), await get(`${await other.listen()}/docs`)]
  expect(same.text).toBe(shell.text)
  expect(files.map((path) => path.replace(/[0-9a-f]{12}/, 'HASH'))).toEqual([
    '/docs/swagger-ui.HASH.css',
    '/docs/page.HASH.css',
    '/docs/swagger-ui.HASH.js',
    '/docs/page.HASH.js',
  ])
})

it.each([0, 1, 2, 3])(
  'file %i is kept for a year, in each coding, and not sent again to who has it',
  async (at) => {
    const path = files[at] ?? ''
    const plain = await send(path)
    expect(plain.status).toBe(200)
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(plain.headers['content-type']).toMatch(/^text\/(?:javascript|css); charset=utf-8$/)
    for (const [encoding, decode] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const { headers, bytes } = await send(path, { 'accept-encoding': encoding })
      expect(headers['content-encoding']).toBe(encoding)
      expect(bytes.length).toBeLessThan(plain.bytes.length)
      expect(decode(bytes).equals(plain.bytes)).toBe(true)
    }
    const known = await send(path, { 'if-none-match': `"other", ${String(plain.headers.etag)}` })
    expect(known).toMatchObject({ status: 304, bytes: Buffer.alloc(0) })
    expect(await send(path, { 'if-none-match': '"other"' })).toMatchObject({ status: 200 })
    expect((await send(path, {}, 'HEAD')).bytes.length).toBe(0)
  },
)

describe('what is not there', () => {
  it.each([
    '/docs/',
    '/docs/page.js',
    '/docs/page.000000000000.js',
    '/docs/__proto__',
    '/docs/..%2fpackage.json',
  ])('%s is nothing', async (path) => {
    expect(await get(url + path)).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } })
  })

  it('takes nothing that is sent', async () => {
    const sent = await post(`${url}/docs`)
    expect(sent).toMatchObject({ status: 405, json: { code: 'METHOD_NOT_SUPPORTED' } })
    expect(sent.headers.get('allow')).toBe('GET')
  })

  it('is any of it, where it is off', async () => {
    await using off = await createTestApp({ apiDocs: 'off' })
    const elsewhere = await off.listen()
    for (const path of ['/docs', ...files])
      expect(await get(elsewhere + path)).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } })
  })
})
