import { getUntypedClient } from '@trpc/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, DeputyError, unwrap } from '../../client/core/index.ts'
import { type TRPCRouter, toTRPCClient } from '../../client/core/trpc.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00.250Z'), capacity: 5 }

/** A client that counts the requests it makes. */
async function countingClient(userId: string) {
  const requests: { url: string; method: string | undefined }[] = []
  const client = createClient<FixtureRouter>({
    url,
    token: await app.token(userId),
    fetch: (input, init) => {
      requests.push({ url: String(input), method: init?.method })
      return fetch(String(input), init as RequestInit)
    },
  })
  return { client, requests }
}

describe('a typed client', () => {
  it('takes and gives dates', async () => {
    const client = createClient<FixtureRouter>({ url, token: await app.token('ada') })
    const before = Date.now()
    const { recordId: eventId } = unwrap(await client.actions.createEvent.mutate(EVENT))
    const { rows } = await app.database.query({
      sql: 'select extract(epoch from starts_at)::float8 * 1000 from events where record_id = $1',
      params: [eventId],
    })
    expect(Number(rows[0]?.[0])).toBe(EVENT.startsAt.getTime())

    unwrap(await client.actions.inviteAttendee.mutate({ eventId, attendeeId: 'bob' }))
    const { records } = unwrap(await client.actions.listAttendees.query({ eventId }))
    const [record] = records
    expect(record?.createdAt).toBeInstanceOf(Date)
    expect(record?.createdAt?.getTime()).toBeGreaterThanOrEqual(before)
  })

  it('gives a returned failure as data', async () => {
    const client = createClient<FixtureRouter>({ url, token: await app.token('ada') })
    const result = await client.actions.inviteAttendee.mutate({ eventId: 'none', attendeeId: 'bob' })
    expect(result).toMatchObject({
      success: false,
      code: 'NOT_FOUND',
      error: expect.stringContaining('none'),
    })
  })

  it('puts calls of one moment in one request, at most ten, queries apart from mutations', async () => {
    const { client, requests } = await countingClient('ada')
    const events = await Promise.all(
      Array.from({ length: 12 }, () => client.actions.createEvent.mutate(EVENT)),
    )
    expect(events.every(({ success }) => success)).toBe(true)
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'POST'])

    requests.length = 0
    const [event] = events
    const eventId = event?.success ? event.data.recordId : ''
    await Promise.all([
      client.actions.createEvent.mutate(EVENT),
      client.actions.listAttendees.query({ eventId }),
      client.actions.listAttendees.query({ eventId, limit: 1 }),
    ])
    expect(requests.map(({ method }) => method).sort()).toEqual(['GET', 'POST'])
  })

  it('spoils no call with a bad one in the same request', async () => {
    const { client, requests } = await countingClient('ada')
    const settled = await Promise.allSettled([
      client.actions.createEvent.mutate(EVENT),
      client.actions.createEvent.mutate({ ...EVENT, capacity: 0 }),
      client.actions.recomputeAnalytics.mutate({}),
      client.actions.createEvent.mutate(EVENT),
    ])
    expect(requests).toHaveLength(1)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  })

  it('works with an address that ends in slashes', async () => {
    const client = createClient<FixtureRouter>({ url: `${url}//`, token: await app.token('ada') })
    expect((await client.actions.createEvent.mutate(EVENT)).success).toBe(true)
  })
})

describe('its paths', () => {
  it('are no promises, and end in query, mutate or subscribe', async () => {
    const client = createClient<FixtureRouter>({ url, token: await app.token('ada') })
    expect([await client, await client.actions]).toHaveLength(2)
    const { createEvent } = client.actions as unknown as Record<string, { send(input: object): unknown }>
    expect(() => createEvent?.send({})).toThrow(
      new TypeError('"actions.createEvent.send" is no call: a procedure has query, mutate or subscribe'),
    )
  })

  it('are called as texts by packages of tRPC, with what may be said about a call', async () => {
    const client = createClient<FixtureRouter>({ url, token: await app.token('ada') })
    const untyped = getUntypedClient<TRPCRouter<FixtureRouter>>(toTRPCClient<FixtureRouter>(client))
    const context = { idempotencyKey: 'untyped' }
    const made = await untyped.mutation('actions.createEvent', EVENT, { context })
    expect(made).toMatchObject({ success: true })
    expect(await untyped.mutation('actions.createEvent', EVENT, { context })).toEqual(made)
    expect(context).toEqual({ idempotencyKey: 'untyped' })
    const ended = untyped.query('users.me', undefined, { signal: AbortSignal.abort() })
    await expect(ended).rejects.toBeInstanceOf(DeputyError)
    expect(await untyped.query('users.me')).toMatchObject({ success: true, data: { userId: 'ada' } })
  })
})

describe('its token', () => {
  it('may come from an async function, which is asked for every request', async () => {
    const users = ['ada', 'bob']
    const client = createClient<FixtureRouter>({ url, token: async () => app.token(users.shift() ?? '') })
    const mine = unwrap(await client.actions.createEvent.mutate(EVENT))
    const notMine = await client.actions.inviteAttendee.mutate({ eventId: mine.recordId, attendeeId: 'bob' })
    expect(notMine).toMatchObject({ success: false, code: 'NOT_FOUND' })
  })

  it.each([
    ['is left out', {}],
    ['is undefined', { token: () => undefined }],
  ])('is not sent when it %s', async (_title, options) => {
    const call = createClient<FixtureRouter>({ url, ...options }).actions.createEvent.mutate(EVENT)
    await expect(call).rejects.toMatchObject({ name: 'DeputyError', code: 'UNAUTHORIZED' })
  })

  it('that cannot be had fails the call with its reason', async () => {
    const client = createClient<FixtureRouter>({
      url,
      token: async () => {
        throw new Error('The session is over')
      },
    })
    const error = await client.actions.createEvent.mutate(EVENT).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(DeputyError)
    expect(error).toMatchObject({ message: 'The session is over', code: undefined })
  })
})
