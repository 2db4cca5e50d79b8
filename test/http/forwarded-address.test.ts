import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseRange } from '../../server/auth/client-address.ts'
import type { Routes } from '../fixture/deputy.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { rawRequest, sendRaw } from './send.ts'

const BODY = JSON.stringify({ title: 'Launch', startsAt: '2030-01-01T18:00:00Z', capacity: 20 })
const loopback = ['127.0.0.0/8', '::1'].map(parseRange).filter((range) => range !== undefined)
/** Answers what a route knows of whom it serves. */
const routes: Routes = ({ clientAddress }) =>
  new Hono().post('/hooks/address', async (c) => {
    await c.req.text()
    return c.text(clientAddress(c.req.raw) ?? 'none')
  })
let alone: TestApp
let behindProxy: TestApp
beforeAll(async () => {
  alone = await createTestApp({ routes })
  behindProxy = await createTestApp({ routes, trustedProxies: loopback })
})
afterAll(async () => {
  await alone[Symbol.asyncDispose]()
  await behindProxy[Symbol.asyncDispose]()
})

/** The address that the audit has of a call with these headers. */
async function addressOf(app: TestApp, headers: readonly string[]): Promise<unknown> {
  const user = `user-${randomUUID()}`
  const request = rawRequest(
    'POST /api/actions/createEvent',
    [
      `Authorization: Bearer ${await app.token(user)}`,
      'Content-Type: application/json',
      `Content-Length: ${BODY.length}`,
      ...headers,
    ],
    BODY,
  )
  expect((await sendRaw(await app.listen(), request)).statuses).toEqual([200])
  const { data } = await (await app.as('owner')).audit.list({ actor: user })
  return data?.entries[0]?.ip
}

it('a header that anybody can send changes no address', async () => {
  expect(await addressOf(alone, ['X-Forwarded-For: 203.0.113.1'])).toBe('127.0.0.1')
})

it('a trusted proxy says who called it, in the last of all its headers', async () => {
  const headers = ['X-Forwarded-For: 1.1.1.1', 'x-forwarded-for: 203.0.113.1, 127.0.0.9']
  expect(await addressOf(behindProxy, headers)).toBe('203.0.113.1')
  expect(await addressOf(behindProxy, [])).toBe('127.0.0.1')
})

it.each([
  ['the socket alone', () => alone, '127.0.0.1'],
  ['a trusted proxy', () => behindProxy, '203.0.113.1'],
] as const)('a route is told the address by %s, whatever it has read before', async (_, app, expected) => {
  const answer = await fetch(`${await app().listen()}/hooks/address`, {
    method: 'POST',
    headers: { 'x-forwarded-for': '1.1.1.1, 203.0.113.1' },
    body: 'some text',
  })
  expect(await answer.text()).toBe(expected)
})
