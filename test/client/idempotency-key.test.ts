import { describe, expect, it } from 'vitest'
import { freshKey } from '../../client/core/idempotency-key.ts'
import { createClient, DeputyError } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { startScriptedServer, success } from './scripted-server.ts'

const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 5 }
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const successes = () => startScriptedServer(({ paths }) => paths.map(() => success()))
/** Also what the types refuse. */
const named = (idempotencyKey: unknown) => ({ context: { idempotencyKey: idempotencyKey as string } })

describe('every mutation', () => {
  it('carries a fresh key, whichever procedure it calls', async () => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada' })
    await client.actions.createEvent.mutate(EVENT)
    await client.actions.createEvent.mutate(EVENT)
    await client.records.events.create.mutate({ data: EVENT })
    await client.users.register.mutate()
    const keys = server.received.map((request) => request.keys ?? '')
    expect(keys).toEqual(Array(4).fill(expect.stringMatching(UUID)))
    expect(new Set(keys).size).toBe(4)
  })

  it('has one slot in the header of its batch, in the order of the calls', async () => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada' })
    await Promise.all([
      client.actions.createEvent.mutate(EVENT, named('first')),
      client.actions.inviteAttendee.mutate({ eventId: 'e', attendeeId: 'bob' }),
      client.actions.recomputeAnalytics.mutate({}, named('third')),
    ])
    expect(server.received).toHaveLength(1)
    const [request] = server.received
    expect(request?.paths).toEqual([
      'actions.createEvent',
      'actions.inviteAttendee',
      'actions.recomputeAnalytics',
    ])
    expect(request?.keys?.split(',')).toEqual(['first', expect.stringMatching(UUID), 'third'])
  })

  it('has its slot in the second request too, when a batch is full', async () => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada' })
    await Promise.all(
      Array.from({ length: 12 }, (_, at) => client.actions.createEvent.mutate(EVENT, named(`k${at}`))),
    )
    expect(server.received.map(({ keys }) => keys)).toEqual(['k0,k1,k2,k3,k4,k5,k6,k7,k8,k9', 'k10,k11'])
  })

  it('has a request of its own where none travel together', async () => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada', batch: false })
    await Promise.all([
      client.actions.createEvent.mutate(EVENT, named('first')),
      client.actions.recomputeAnalytics.mutate({}, named('second')),
    ])
    expect(server.received.map(({ paths, keys }) => [...paths, keys])).toEqual([
      ['actions.createEvent', 'first'],
      ['actions.recomputeAnalytics', 'second'],
    ])
  })

  it('leaves the context that it was given as it was, and takes a fresh key each time', async () => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada' })
    const context = Object.freeze({ idempotencyKey: undefined, trace: 'kept' })
    await client.actions.createEvent.mutate(EVENT, { context })
    await client.actions.createEvent.mutate(EVENT, { context })
    const keys = server.received.map((request) => request.keys)
    expect(keys).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID)])
    expect(new Set(keys).size).toBe(2)
  })
})

describe('a query', () => {
  it('carries no key, in an address or in a body', async () => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada' })
    const ids = Array.from({ length: 900 }, (_, at) => `record-${at}`)
    await Promise.all([
      client.actions.listAttendees.query({ eventId: 'e' }),
      client.records.events.list.query({ where: { recordId: { in: ids } } }),
      client.actions.createEvent.mutate(EVENT, named('mine')),
    ])
    expect(server.received.map(({ method, keys }) => `${method} ${keys ?? 'without'}`).sort()).toEqual([
      'GET without',
      'POST mine',
      'POST without',
    ])
  })

  it('is refused with a key, which would do nothing', async () => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada' })
    const call = client.actions.listAttendees.query({ eventId: 'e' }, named('order-17'))
    await expect(call).rejects.toBeInstanceOf(DeputyError)
    await expect(call).rejects.toThrow('"actions.listAttendees" only reads')
    expect(server.received).toEqual([])
  })
})

describe('a key of the caller’s own', () => {
  it.each([
    ['of letters and digits', 'order-17'],
    ['of every kind of character', 'A.b_c:d~e-9'],
    ['of the greatest length', 'k'.repeat(255)],
  ])('is sent as it is: %s', async (_title, key) => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada' })
    await client.actions.createEvent.mutate(EVENT, named(key))
    expect(server.received.map(({ keys }) => keys)).toEqual([key])
  })

  it.each([
    ['empty', ''],
    ['two keys', 'a,b'],
    ['with a space', 'a b'],
    ['with a line feed', 'a\n'],
    ['with a letter of another alphabet', 'clé'],
    ['too long', 'k'.repeat(256)],
    ['a number', 17],
    ['null', null],
  ])('that is malformed is refused before anything is sent: %s', async (_title, key) => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada' })
    const [bad, good] = await Promise.allSettled([
      client.actions.createEvent.mutate(EVENT, named(key)),
      client.actions.createEvent.mutate(EVENT, named('good')),
    ])
    expect(bad).toMatchObject({
      reason: {
        name: 'DeputyError',
        code: undefined,
        message: expect.stringMatching(/key for "actions.createEvent" is malformed: .*1 to 255/),
      },
    })
    expect(good.status).toBe('fulfilled')
    expect(server.received.map(({ keys }) => keys)).toEqual(['good'])
  })
})

describe('without a token', () => {
  it('no fresh key is sent, since the server takes none from callers whom it cannot tell apart', async () => {
    await using server = await successes()
    await createClient<FixtureRouter>({ url: server.url }).actions.createEvent.mutate(EVENT)
    expect(server.received.map(({ keys }) => keys)).toEqual([undefined])
  })

  it('the caller’s own key is still sent, for the server to refuse', async () => {
    await using server = await successes()
    const client = createClient<FixtureRouter>({ url: server.url, token: () => undefined })
    await Promise.all([
      client.actions.createEvent.mutate(EVENT),
      client.actions.createEvent.mutate(EVENT, named('mine')),
      client.actions.createEvent.mutate(EVENT),
    ])
    expect(server.received.map(({ keys }) => keys)).toEqual([',mine,'])
  })
})

describe('a fresh key', () => {
  it('is random and well-formed where there is no randomUUID', () => {
    const insecure = { getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes) }
    const keys = Array.from({ length: 50 }, () => freshKey(insecure))
    expect(new Set(keys).size).toBe(50)
    for (const key of keys) expect(key).toMatch(UUID)
  })
})
