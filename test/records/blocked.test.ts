import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const SENTENCE = 'This user is blocked.'
const BLOCKED = { success: false, code: 'FORBIDDEN', error: SENTENCE }

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const setBlocked = async (userId: string, blocked = true, by = 'owner') =>
  (await app.as(by)).users.setBlocked({ userId, blocked })

async function send(method: string, path: string, token: string | undefined, headers = {}, body = '{}') {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(method === 'POST' ? { body } : {}),
  })
  return { status: response.status, text: await response.text() }
}

/** A user who has called before, so that their token is remembered, and is blocked then. */
async function blockedUser() {
  const userId = randomUUID()
  const token = await app.token(userId)
  expect((await send('GET', '/api/users/me', token)).status).toBe(200)
  expect(await setBlocked(userId)).toEqual({ success: true, data: { userId, blocked: true } })
  return { userId, token }
}

/** `path` → whether it reads, of every procedure that there is. */
function procedures(): [string, 'query' | 'mutation'][] {
  // tRPC keeps them flat, by path; its type shows them as they are nested.
  const flat = app.router._def.procedures as unknown as Record<string, { _def: { type: string } }>
  const found = Object.entries(flat)
  return found.map(([path, { _def }]) => [path, _def.type === 'mutation' ? 'mutation' : 'query'])
}

describe('a blocked user', () => {
  it('is refused by every procedure, over tRPC, REST and in process', async () => {
    const { userId, token } = await blockedUser()
    expect(procedures().length).toBeGreaterThan(25)
    const caller = await app.as(userId)
    for (const [path, type] of procedures()) {
      const trpc = await send(type === 'query' ? 'GET' : 'POST', `/trpc/${path}`, token)
      expect([path, trpc.status]).toEqual([path, 403])
      expect(trpc.text).toContain(SENTENCE)
      for (const method of ['GET', 'POST']) {
        const rest = await send(method, `/api/${path.replaceAll('.', '/')}`, token)
        // Actions are called with POST, which is said of the address, whoever calls.
        if (method === 'GET' && path.startsWith('actions.')) continue
        expect([method, path, rest.status, JSON.parse(rest.text)]).toEqual([method, path, 403, BLOCKED])
      }
      const procedure = path
        .split('.')
        .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], caller)
      await expect((procedure as (input: unknown) => Promise<unknown>)({})).rejects.toMatchObject({
        code: 'FORBIDDEN',
        message: SENTENCE,
      })
    }
  })

  it.each([
    ['GET', '/events/nobody/attendees'],
    ['POST', '/api/actions/noSuchAction'],
    ['POST', '/trpc/actions.noSuchAction'],
    ['POST', '/trpc/actions.createEvent,actions.noSuchAction?batch=1'],
    ['GET', '/api/users'],
    ['GET', '/api/integrations'],
    ['GET', '/api/credits'],
    ['GET', '/api/credits/balances'],
    ['GET', '/api/audit'],
    ['POST', '/api/audit/prune'],
    ['POST', '/api/audit/erase'],
    ['GET', '/api/outbox'],
    ['GET', '/api/records/events'],
    ['GET', '/api/records/events/nobody'],
  ])('is refused at %s %s', async (method, path) => {
    const { token } = await blockedUser()
    const answer = await send(method, path, token)
    expect(answer.status).toBe(403)
    expect(answer.text).toContain(SENTENCE)
  })

  it('gets no answer of a key again', async () => {
    const [userId, key] = [randomUUID(), randomUUID()]
    const token = await app.token(userId)
    const event = JSON.stringify({ title: 'x', startsAt: '2030-01-01T18:00:00Z', capacity: 1 })
    const call = () => send('POST', '/api/actions/createEvent', token, { 'idempotency-key': key }, event)
    const first = await call()
    expect(first.status).toBe(200)
    await setBlocked(userId)
    expect((await call()).status).toBe(403)
    await setBlocked(userId, false)
    expect(await call()).toEqual(first)
  })

  it('is refused by a caller that was made before, and let in by it again', async () => {
    const userId = randomUUID()
    const caller = await app.as(userId)
    await caller.users.me()
    await setBlocked(userId)
    await expect(caller.users.me()).rejects.toMatchObject({ code: 'FORBIDDEN', message: SENTENCE })
    await setBlocked(userId, false)
    expect(await caller.users.me()).toMatchObject({ success: true })
  })

  it('is told of a bad token first, and called without one is anybody', async () => {
    const { token } = await blockedUser()
    expect((await send('GET', '/api/users/me', `${token.slice(0, -8)}AAAAAAAA`)).status).toBe(401)
    expect((await send('GET', '/api/records/events', undefined)).status).toBe(200)
  })
})

describe('users.setBlocked', () => {
  it('is for admins and the owner, who are not blocked, nor anybody by themselves', async () => {
    const [admin, other, member] = [randomUUID(), randomUUID(), randomUUID()]
    for (const user of [admin, other]) {
      await (await app.as(user, { name: 'A' })).users.register()
      await (await app.as('owner')).users.setRole({ userId: user, role: 'admin' })
    }
    const FORBIDDEN = { success: false, code: 'FORBIDDEN' }
    expect(await setBlocked(other, true, member)).toMatchObject(FORBIDDEN)
    expect(await setBlocked('owner', true, admin)).toMatchObject(FORBIDDEN)
    expect(await setBlocked('owner', true, 'owner')).toMatchObject(FORBIDDEN)
    expect(await setBlocked(admin, true, admin)).toMatchObject(FORBIDDEN)
    expect(await setBlocked(other, true, admin)).toMatchObject({ success: true })
    expect(await setBlocked(member, true, admin)).toMatchObject({ success: true })
    const page = await (await app.as(admin)).users.list({ where: { recordId: { in: [admin, other] } } })
    const shown = page.success
      ? page.data.records.map(({ recordId, isBlocked }) => [recordId, isBlocked])
      : []
    expect(new Map(shown as [string, boolean][])).toEqual(
      new Map([
        [admin, false],
        [other, true],
      ]),
    )
    const anybody = await (await app.as(randomUUID())).users.list({ where: { recordId: other } })
    expect(JSON.stringify(anybody)).not.toContain('isBlocked')
  })

  it('leaves a row for each call, and takes ids of users alone', async () => {
    const userId = randomUUID()
    const owner = await app.as('owner')
    await setBlocked(userId)
    await setBlocked(userId, false)
    const entries = await owner.audit.list({ collection: 'users', recordId: userId })
    expect(entries).toMatchObject({
      data: {
        entries: [false, true].map((blocked) => ({
          action: 'users.setBlocked',
          actor: 'owner',
          outcome: 'OK',
          input: JSON.stringify({ userId, blocked }),
        })),
      },
    })
    for (const wrong of ['', '__proto__', 'a\u0000', 'x'.repeat(256)])
      await expect(owner.users.setBlocked({ userId: wrong, blocked: true })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      })
    const rest = await send('POST', '/api/users/setBlocked', await app.token('owner'), {}, '{"userId":"x"}')
    expect(rest.status).toBe(400)
  })
})
