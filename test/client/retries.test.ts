import { setTimeout } from 'node:timers/promises'
import { actionRegistry } from 'deputyjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ClientOptions, createClient, DeputyError, unwrap } from '../../client/core/index.ts'
import type { ErrorCode } from '../../server/core/errors.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { action } from '../fixture/deputy.ts'
import { startTcpProxy } from '../postgres/tcp-proxy.ts'
import { createTestApp } from '../support/test-app.ts'
import {
  type Received,
  type Reply,
  returned,
  startScriptedServer,
  success,
  thrown,
  timedOut,
} from './scripted-server.ts'

const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 5 }
const SOON = { baseDelayMs: 4, maxDelayMs: 8 }
const named = (idempotencyKey: string) => ({ context: { idempotencyKey } })

/** Gives the replies in turn, and successes after them. */
async function serve(replies: readonly Reply[], options: Partial<ClientOptions> = {}) {
  const server = await startScriptedServer(({ paths }, nth) => replies[nth] ?? paths.map(() => success()))
  const client = createClient<FixtureRouter>({ url: server.url, token: 'ada', retries: SOON, ...options })
  return {
    received: server.received,
    client,
    mutate: (key?: string) => client.actions.createEvent.mutate(EVENT, key === undefined ? {} : named(key)),
    query: () => client.actions.listAttendees.query({ eventId: 'e' }),
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  }
}

/** Holds those who wait for it until it is opened. */
function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const html = (status: number): Reply => ({ status, body: `<html>${status}</html>` })
const keysOf = (received: readonly Received[]) => received.map(({ keys }) => keys)
const waitedMs = ([first, second]: readonly Received[]) => (second?.atMs ?? 0) - (first?.atMs ?? 0)
const ALL_CODES = {
  passing: ['TOO_MANY_REQUESTS', 'BAD_GATEWAY', 'SERVICE_UNAVAILABLE', 'GATEWAY_TIMEOUT'],
  final: [
    'BAD_REQUEST',
    'UNAUTHORIZED',
    'PAYMENT_REQUIRED',
    'FORBIDDEN',
    'NOT_FOUND',
    'METHOD_NOT_SUPPORTED',
    'CONFLICT',
    'PRECONDITION_FAILED',
    'PAYLOAD_TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
    'UNPROCESSABLE_CONTENT',
  ],
} as const satisfies Record<string, readonly ErrorCode[]>

describe('a failure that passes', () => {
  const cases: (readonly [string, Reply])[] = [
    ['a hang-up', 'hang-up'],
    ['a hang-up in the middle of the answer', 'hang-up-halfway'],
    ...[408, 429, 500, 502, 503, 504].map((status) => [`HTML with ${status}`, html(status)] as const),
    ['other JSON with 503', { status: 503, body: '{"hello":1}' }],
    ['nothing at all with 502', { status: 502, body: '' }],
    ['a thrown TIMEOUT', [timedOut]],
    ['a thrown INTERNAL_SERVER_ERROR', [thrown('INTERNAL_SERVER_ERROR')]],
    ...ALL_CODES.passing.map((code) => [`a thrown ${code}`, [thrown(code)]] as const),
    ...ALL_CODES.passing.map((code) => [`a returned ${code}`, [returned(code)]] as const),
    ['an unknown outcome', [returned('SERVICE_UNAVAILABLE', { outcome: 'unknown' })]],
    ['a thrown CONFLICT that says when', [thrown('CONFLICT', { retryAfterSeconds: 0.01 })]],
    ['a returned CONFLICT that says when', [returned('CONFLICT', { retryAfterSeconds: 0.01 })]],
  ]

  it.each(cases)('is tried again by a mutation, with the same key: %s', async (_title, reply) => {
    await using server = await serve([reply, reply])
    expect(await server.mutate()).toMatchObject({ success: true })
    const [key] = keysOf(server.received)
    expect(key).toMatch(/^[0-9a-f-]{36}$/)
    expect(keysOf(server.received)).toEqual([key, key, key])
  })

  it.each(cases)('is tried again by a query, without one: %s', async (_title, reply) => {
    await using server = await serve([reply, reply])
    expect(await server.query()).toMatchObject({ success: true })
    expect(keysOf(server.received)).toEqual([undefined, undefined, undefined])
  })

  it('is tried again with the key that the caller gave', async () => {
    await using server = await serve(['hang-up', [returned('SERVICE_UNAVAILABLE')]])
    await server.mutate('order-17')
    expect(keysOf(server.received)).toEqual(['order-17', 'order-17', 'order-17'])
  })

  it('is tried again with the token of that moment', async () => {
    const tokens = ['old', 'new']
    await using server = await serve([[thrown('SERVICE_UNAVAILABLE')]], { token: () => tokens.shift() })
    await server.mutate()
    expect(server.received.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer new'])
  })

  it('is tried again through a fetch that tells no more than tRPC asks for', async () => {
    let requests = 0
    const fetch = async () => {
      requests += 1
      const member = requests === 1 ? returned('BAD_GATEWAY') : success()
      return { ok: true, json: async () => [member.json] }
    }
    await using server = await serve([], { fetch })
    expect(await server.mutate()).toMatchObject({ success: true })
    expect(requests).toBe(2)
  })

  it('is final for a mutation without a token, whose key did not go with it, and not for a query', async () => {
    const replies = ['hang-up', [thrown('SERVICE_UNAVAILABLE')], [returned('SERVICE_UNAVAILABLE')]] as const
    await using server = await serve(replies, { token: () => undefined })
    await expect(server.mutate()).rejects.toMatchObject({ name: 'DeputyError', code: undefined })
    await expect(server.mutate()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    expect(await server.mutate()).toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    expect(server.received).toHaveLength(3)

    await using other = await serve(['hang-up'], { token: () => undefined })
    expect(await other.query()).toMatchObject({ success: true })
  })
})

describe('a final answer', () => {
  const replies: (readonly [string, Reply])[] = [
    ...[200, 400, 401, 403, 404, 409, 413, 431].map(
      (status) => [`HTML with ${status}`, html(status)] as const,
    ),
    ['other JSON with 404', { status: 404, body: '{"hello":1}' }],
    ...ALL_CODES.final.map((code) => [`a thrown ${code}`, [thrown(code)]] as const),
    ['a CONFLICT whose wait is no number', [thrown('CONFLICT', { retryAfterSeconds: 'soon' })]],
    ['a CONFLICT whose wait is negative', [thrown('CONFLICT', { retryAfterSeconds: -1 })]],
    ['a FORBIDDEN that says when', [thrown('FORBIDDEN', { retryAfterSeconds: 0 })]],
    [
      'a CONFLICT beside a header that is about another member',
      { headers: { 'retry-after': '0' }, members: [thrown('CONFLICT')] },
    ],
  ]

  it.each(replies)('is the answer, and nothing is sent again: %s', async (_title, reply) => {
    await using server = await serve([reply])
    await expect(server.mutate()).rejects.toBeInstanceOf(DeputyError)
    expect(server.received).toHaveLength(1)
  })

  it.each(ALL_CODES.final)('is the answer when an action returned it: %s', async (code) => {
    await using server = await serve([[returned(code)]])
    expect(await server.mutate()).toMatchObject({ success: false, code })
    expect(server.received).toHaveLength(1)
  })

  it('is a success, of course', async () => {
    await using server = await serve([])
    await server.mutate()
    expect(server.received).toHaveLength(1)
  })

  it.each([
    ['a token that cannot be had', () => Promise.reject(new Error('The session is over'))],
    ['a token that no header can hold', () => 'a\nb'],
  ])('is what failed before anything was sent: %s', async (_title, makeToken) => {
    let asked = 0
    const token = () => {
      asked += 1
      return makeToken()
    }
    await using server = await serve([], { token })
    await expect(server.mutate()).rejects.toMatchObject({ name: 'DeputyError', code: undefined })
    expect(asked).toBe(1)
    expect(server.received).toEqual([])
  })
})

describe('a batch', () => {
  it('is not sent again for the sake of one member, which goes alone with its own key', async () => {
    await using server = await serve([
      [success({ recordId: '1' }), returned('SERVICE_UNAVAILABLE'), thrown('NOT_FOUND')],
      [success({ recordId: '2' })],
    ])
    const settled = await Promise.allSettled(['a', 'b', 'c'].map((key) => server.mutate(key)))
    expect(keysOf(server.received)).toEqual(['a,b,c', 'b'])
    expect(settled).toMatchObject([
      { value: { data: { recordId: '1' } } },
      { value: { data: { recordId: '2' } } },
      { reason: { code: 'NOT_FOUND' } },
    ])
  })

  it('takes a member that is tried again beside others of that moment, each in its slot', async () => {
    await using server = await serve(
      [[thrown('BAD_GATEWAY'), success(), returned('GATEWAY_TIMEOUT')]],
      // No delay: those that failed together come back in one tick.
      { retries: { baseDelayMs: 0 } },
    )
    await Promise.all(['a', 'b', 'c'].map((key) => server.mutate(key)))
    expect(keysOf(server.received)).toEqual(['a,b,c', 'a,c'])
  })

  it('that was cut off is sent again whole, each member with its key', async () => {
    await using server = await serve(['hang-up'], { retries: { baseDelayMs: 0 } })
    const client = server.client
    await Promise.all([server.mutate('a'), client.actions.recomputeAnalytics.mutate({}), server.mutate('c')])
    const [first, second] = keysOf(server.received)
    expect(first).toMatch(/^a,[0-9a-f-]{36},c$/)
    expect(second).toBe(first)
  })
})

describe('what the server asks to wait', () => {
  it.each<[string, Reply]>([
    ['the details of an error', [thrown('SERVICE_UNAVAILABLE', { retryAfterSeconds: 0.15 })]],
    ['the details of a failure', [returned('TOO_MANY_REQUESTS', { retryAfterSeconds: 0.15 })]],
    ['the details of a conflict', [thrown('CONFLICT', { retryAfterSeconds: 0.15 })]],
    ['the header', { headers: { 'retry-after': '0.15' }, members: [thrown('TOO_MANY_REQUESTS')] }],
    [
      'the header beside a failure',
      { headers: { 'retry-after': '0.15' }, members: [returned('BAD_GATEWAY')] },
    ],
    ['the header of a gateway', { status: 503, headers: { 'retry-after': '0.15' }, body: '<html>' }],
  ])('is waited at least: %s', async (_title, reply) => {
    await using server = await serve([reply])
    await server.mutate()
    expect(waitedMs(server.received)).toBeGreaterThanOrEqual(149)
  })

  it('is a member’s own, not that of the batch', async () => {
    await using server = await serve([
      {
        headers: { 'retry-after': '600' },
        members: [
          thrown('SERVICE_UNAVAILABLE', { retryAfterSeconds: 600 }),
          thrown('SERVICE_UNAVAILABLE', { retryAfterSeconds: 0.01 }),
        ],
      },
    ])
    const settled = await Promise.allSettled([server.mutate('long'), server.mutate('short')])
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(keysOf(server.received)).toEqual(['long,short', 'short'])
  })

  it.each([
    ['that is past', 'Wed, 21 Oct 2015 07:28:00 GMT', 2],
    ['that is far off', 'Wed, 21 Oct 2115 07:28:00 GMT', 1],
    ['that is none', 'soon', 2],
  ])('may be a date: one %s', async (_title, date, requests) => {
    await using server = await serve([{ status: 503, headers: { 'retry-after': date }, body: '' }])
    await server.mutate().catch(() => {})
    expect(server.received).toHaveLength(requests)
  })

  it('is given to the caller at once when it is longer than a call may wait', async () => {
    const tooLong = thrown('SERVICE_UNAVAILABLE', { retryAfterSeconds: 31 })
    await using server = await serve([[tooLong]])
    await expect(server.mutate()).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      details: { retryAfterSeconds: 31 },
    })
    expect(server.received).toHaveLength(1)
  })
})

describe('the limits', () => {
  const endless = <T>(reply: T): T[] => Array(200).fill(reply)

  it('are three repetitions, after which the last outcome is the call’s', async () => {
    await using server = await serve([
      'hang-up',
      [thrown('BAD_GATEWAY')],
      [thrown('INTERNAL_SERVER_ERROR')],
      [returned('SERVICE_UNAVAILABLE')],
    ])
    expect(await server.mutate()).toMatchObject({ success: false, code: 'SERVICE_UNAVAILABLE' })
    expect(server.received).toHaveLength(4)
  })

  it.each([
    [{ attempts: 1 }, 2],
    [{ attempts: 5 }, 6],
    [{ attempts: 0 }, 1],
    [false, 1],
  ] as const)('are what the app says: %j makes %i requests', async (retries, requests) => {
    await using server = await serve(endless([thrown('SERVICE_UNAVAILABLE')]), {
      retries: retries && { ...SOON, ...retries },
    })
    await expect(server.mutate()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    expect(server.received).toHaveLength(requests)
  })

  it('hold for all waits of a call together', async () => {
    const busy = thrown('SERVICE_UNAVAILABLE', { retryAfterSeconds: 0.05 })
    await using server = await serve(endless([busy]), {
      retries: { attempts: 50, baseDelayMs: 0, maxTotalDelayMs: 160 },
    })
    await expect(server.mutate()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    expect(server.received).toHaveLength(4)
  })

  it('of repetitions do not count how often a call asks after its own earlier sending', async () => {
    const running = thrown('CONFLICT', { retryAfterSeconds: 0.01 })
    await using server = await serve(['hang-up', ...Array<Reply>(6).fill([running])], {
      retries: { attempts: 1, ...SOON },
    })
    expect(await server.mutate()).toMatchObject({ success: true })
    expect(server.received).toHaveLength(8)
  })

  it('end that asking too', async () => {
    const running = thrown('CONFLICT', { retryAfterSeconds: 0.05 })
    await using server = await serve(endless([running]), {
      retries: { baseDelayMs: 0, maxTotalDelayMs: 270 },
    })
    await expect(server.mutate()).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(server.received).toHaveLength(6)
  })

  it('end it also when the server asks for no wait', async () => {
    const running = thrown('CONFLICT', { retryAfterSeconds: 0 })
    await using server = await serve(endless([running]), { retries: { baseDelayMs: 0 } })
    await expect(server.mutate()).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(server.received).toHaveLength(101)
  })

  it.each([false, { attempts: 0 }] as const)('%j keep it from asking at all', async (retries) => {
    await using server = await serve([[thrown('CONFLICT', { retryAfterSeconds: 0.01 })]], { retries })
    await expect(server.mutate()).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(server.received).toHaveLength(1)
  })

  it.each([
    ['attempts', -1],
    ['attempts', 1.5],
    ['attempts', Number.POSITIVE_INFINITY],
    ['baseDelayMs', -1],
    ['maxDelayMs', Number.NaN],
    ['maxTotalDelayMs', Number.POSITIVE_INFINITY],
  ])('are refused when they make no sense: %s %d', (name, value) => {
    const make = () => createClient<FixtureRouter>({ url: 'http://127.0.0.1:1', retries: { [name]: value } })
    expect(make).toThrow(RangeError)
    expect(make).toThrow(`retries.${name} is ${value}; it must be a`)
  })
})

describe('an abort', () => {
  const aWeek = thrown('SERVICE_UNAVAILABLE', { retryAfterSeconds: 20 })

  it('ends the waiting of its call at once, for good', async () => {
    const arrived = gate()
    await using server = await startScriptedServer(() => {
      arrived.open()
      return [aWeek]
    })
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada', retries: SOON })
    const waiting = new AbortController()
    const call = client.actions.createEvent.mutate(EVENT, { signal: waiting.signal })
    const outcome = call.catch((reason: unknown) => reason)
    await arrived.opened
    // The answer is on its way, or has made the call wait: either way it ends.
    await setTimeout(100)
    const began = performance.now()
    waiting.abort(new DOMException('Too late', 'TimeoutError'))
    const error = await outcome
    expect(performance.now() - began).toBeLessThan(15_000)
    expect(error).toBeInstanceOf(DeputyError)
    expect(error).toMatchObject({ code: undefined, cause: { cause: { name: 'TimeoutError' } } })
    expect(server.received).toHaveLength(1)
  })

  it('ends one call of a batch at once, and leaves the others their answer', async () => {
    const arrived = new AbortController()
    await using server = await startScriptedServer(({ paths }, nth) => {
      arrived.abort(new Error('Never mind'))
      return nth === 0 ? 'silence' : paths.map(() => success())
    })
    const client = createClient<FixtureRouter>({ url: server.url, token: 'ada', retries: SOON })
    const other = new AbortController()
    const left = client.actions.createEvent.mutate(EVENT, { ...named('left'), signal: other.signal })
    const aborted = client.actions.createEvent.mutate(EVENT, { signal: arrived.signal })
    left.catch(() => {})
    await expect(aborted).rejects.toMatchObject({ name: 'DeputyError', message: 'Never mind' })
    expect(await client.actions.createEvent.mutate(EVENT)).toMatchObject({ success: true })
    other.abort()
    await expect(left).rejects.toMatchObject({
      name: 'DeputyError',
      cause: { cause: { name: 'AbortError' } },
    })
    expect(server.received).toHaveLength(2)
  })

  it('that came first leaves nothing to send', async () => {
    await using server = await serve([])
    const signal = AbortSignal.abort('Too late')
    await expect(server.client.actions.createEvent.mutate(EVENT, { signal })).rejects.toThrow('Too late')
    expect(server.received).toEqual([])
  })
})

describe('against the real server', () => {
  it('a network that comes back has let the call through once', async () => {
    await using app = await createTestApp()
    await using network = await startTcpProxy(await app.listen())
    network.set('refuse')
    let requests = 0
    const client = createClient<FixtureRouter>({
      url: network.url,
      token: await app.token('ada'),
      retries: SOON,
      fetch: (input, init) => {
        requests += 1
        if (requests === 3) network.set('pass')
        return fetch(String(input), init as RequestInit)
      },
    })
    const { recordId } = unwrap(await client.actions.createEvent.mutate(EVENT))
    expect(requests).toBe(3)
    const { records } = unwrap(await client.records.events.list.query({}))
    expect(records.map((record) => record.recordId)).toEqual([recordId])
  })

  it('a batch whose answer is lost is done once, and gives what it gave', async () => {
    await using app = await createTestApp()
    const lost: unknown[] = []
    const client = createClient<FixtureRouter>({
      url: await app.listen(),
      token: await app.token('ada'),
      retries: { baseDelayMs: 0 },
      fetch: async (input, init) => {
        const response = await fetch(String(input), init as RequestInit)
        if (lost.length > 0) return response
        lost.push(await response.json())
        throw new TypeError('terminated')
      },
    })
    const results = await Promise.all([
      client.actions.createEvent.mutate(EVENT),
      client.records.events.create.mutate({ data: EVENT }),
      client.actions.createEvent.mutate(EVENT, named('order-17')),
    ])
    const ids = results.map((result) => unwrap(result).recordId)
    expect(lost).toMatchObject([
      ids.map((recordId) => ({ result: { data: { json: { data: { recordId } } } } })),
    ])
    const { records } = unwrap(await client.records.events.list.query({}))
    expect(records.map((record) => record.recordId).sort()).toEqual([...ids].sort())
  })

  it('a call whose earlier sending still runs waits for that one, and gives its answer', async () => {
    const [entered, finish] = [gate(), gate()]
    let runs = 0
    const input = z.strictObject({ title: z.string(), startsAt: z.date(), capacity: z.number() })
    const createEvent = action.input(input).mutation(async ({ ctx, input }) => {
      runs += 1
      entered.open()
      await finish.opened
      return ctx.tools.create('events', input)
    })
    await using app = await createTestApp({ actions: actionRegistry({ createEvent }) })
    const statuses: number[] = []
    const client = createClient<FixtureRouter>({
      url: await app.listen(),
      token: await app.token('ada'),
      retries: { attempts: 1, ...SOON },
      fetch: async (input, init) => {
        const answer = fetch(String(input), init as RequestInit)
        if (runs === 0) {
          await entered.opened
          throw new TypeError('terminated')
        }
        const response = await answer
        statuses.push(response.status)
        finish.open()
        return response
      },
    })
    unwrap(await client.actions.createEvent.mutate(EVENT))
    expect(statuses).toEqual([409, 200])
    expect(runs).toBe(1)
  })
})
