import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get, rawRequest, sendRaw } from './send.ts'

// limits.md: header

let app: TestApp
let url: string
let authorization: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
  authorization = `Authorization: Bearer ${await app.token('ada')}`
})
afterAll(() => app[Symbol.asyncDispose]())

const BODY = '{"title":"Launch","startsAt":"2030-01-01T18:00:00Z","capacity":5}'
const LENGTH = `Content-Length: ${BODY.length}`

function createEventRaw(headers: readonly string[], body = BODY, path = '/api/actions/createEvent'): string {
  return rawRequest(`POST ${path}`, [authorization, 'Content-Type: application/json', ...headers], body)
}

async function countEvents(): Promise<number> {
  const { rows } = await app.database.query({ sql: 'select count(*)::int from events', params: [] })
  return Number(rows[0]?.[0])
}

describe('a request whose framing is in doubt', () => {
  it.each([
    ['two lengths', () => createEventRaw([LENGTH, 'Content-Length: 2'])],
    ['two equal lengths', () => createEventRaw([LENGTH, LENGTH])],
    ['two lengths in one header', () => createEventRaw([`${LENGTH}, 2`])],
    ['a length below zero', () => createEventRaw(['Content-Length: -1'])],
    ['a length in hexadecimal', () => createEventRaw(['Content-Length: 0x10'])],
    ['a length and chunks', () => createEventRaw([LENGTH, 'Transfer-Encoding: chunked'], `0\r\n\r\n${BODY}`)],
    ['an unknown transfer encoding', () => createEventRaw(['Transfer-Encoding: chunked, identity'])],
    ['an odd chunk size', () => createEventRaw(['Transfer-Encoding: chunked'], `0x5\r\n${BODY}`)],
    ['bare line feeds', () => createEventRaw([LENGTH]).replaceAll('\r\n', '\n')],
    ['a bare line feed in a header', () => createEventRaw([LENGTH, 'X-A: a\nX-B: b'])],
    ['a folded header', () => createEventRaw([LENGTH, 'X-A: a\r\n b'])],
    ['a space before the colon', () => createEventRaw([LENGTH, 'X-A : a'])],
    ['NUL in a header', () => createEventRaw([LENGTH, 'X-A: a\0b'])],
    ['no host', () => createEventRaw([LENGTH]).replace('Host: deputy.test\r\n', '')],
    ['a host that is none', () => createEventRaw([LENGTH]).replace('deputy.test', 'a b')],
  ])('with %s is 400, once, and writes nothing', async (_title, request) => {
    const before = await countEvents()
    const { statuses } = await sendRaw(url, request())
    expect(statuses).toEqual([400])
    expect(await countEvents()).toBe(before)
    expect((await get(`${url}/healthz`)).status).toBe(200)
  })

  it('is otherwise taken', async () => {
    const { statuses } = await sendRaw(url, createEventRaw([LENGTH]))
    expect(statuses).toEqual([200])
  })
})

describe('a header', () => {
  it.each([
    ['Host', 'Host: other.test'],
    ['Authorization', 'Authorization: Bearer other'],
    ['Content-Type', 'Content-Type: text/plain'],
  ])('%s that is given twice is refused by name', async (name, second) => {
    const before = await countEvents()
    for (const path of ['/api/actions/createEvent', '/trpc/actions.createEvent']) {
      const { statuses, text } = await sendRaw(url, createEventRaw([LENGTH, second], BODY, path))
      expect(statuses).toEqual([400])
      expect(text).toContain(`The header ${name.toLowerCase()} may be given once only.`)
    }
    expect(await countEvents()).toBe(before)
  })

  it('of 17 KB is 431', async () => {
    const { statuses } = await sendRaw(url, createEventRaw([LENGTH, `X-A: ${'a'.repeat(17 * 1024)}`]))
    expect(statuses).toEqual([431])
  })
})

describe('a length', () => {
  it('that is beyond the limit is 413 before the body is there', async () => {
    const { statuses } = await sendRaw(url, createEventRaw(['Content-Length: 99999999999'], ''))
    expect(statuses).toEqual([413])
  })

  it('that is shorter than the body ends the request there', async () => {
    const before = await countEvents()
    const { statuses } = await sendRaw(
      url,
      createEventRaw(['Content-Length: 2'], `{}${createEventRaw([LENGTH])}`),
    )
    expect(statuses).toEqual([400])
    expect(await countEvents()).toBe(before)
  })

  it('with a client that hangs up in the middle of its body writes nothing', async () => {
    const before = await countEvents()
    const { hostname, port } = new URL(url)
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () =>
        socket.end(createEventRaw([LENGTH], BODY.slice(0, 9))),
      )
      socket.on('error', () => {})
      socket.on('close', () => resolve())
      socket.resume()
    })
    expect(await countEvents()).toBe(before)
    expect((await get(`${url}/healthz`)).status).toBe(200)
  })
})
