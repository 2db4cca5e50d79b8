import { getUntypedClient } from '@trpc/client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createClient, type DeputyError, type LiveState } from '../../client/core/index.ts'
import { type TRPCRouter, toTRPCClient } from '../../client/core/trpc.ts'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const event = (title: string) => ({ title, startsAt: new Date('2030-01-01'), capacity: 10 })

describe('a typed client’s live queries', () => {
  let app: TestApp
  let server: Listening
  beforeAll(async () => {
    app = await createTestApp({ livePace: { roundEveryMs: 20 } })
    server = await listen({ http: app.http, host: '127.0.0.1', port: 0 })
  })
  afterAll(async () => {
    await server.close(100)
    await app[Symbol.asyncDispose]()
  })

  /** A client that counts the requests of its streams. */
  function clientOf(token: () => Promise<string | undefined>) {
    const requests: { readonly lastId: string | undefined }[] = []
    const client = createClient<FixtureRouter>({
      url: server.url,
      token,
      fetch: (input, init) => {
        if (init?.headers?.accept === 'text/event-stream')
          requests.push({ lastId: init.headers['last-event-id'] })
        return fetch(String(input), init as RequestInit)
      },
    })
    return { client, requests }
  }
  function watch(client: ReturnType<typeof clientOf>['client']) {
    const pages: { titles: string[]; startsAt: unknown }[] = []
    const errors: DeputyError[] = []
    const states: LiveState['state'][] = []
    const subscription = client.records.events.live.subscribe(
      { limit: 10 },
      {
        onData: ({ records }) =>
          pages.push({ titles: records.map(({ data }) => data.title), startsAt: records[0]?.data.startsAt }),
        onError: (error) => errors.push(error),
        onConnectionStateChange: ({ state }) => states.push(state),
      },
    )
    return { pages, errors, states, subscription }
  }
  const allGone = () => vi.waitFor(() => expect(app.live.counts.streams).toBe(0))

  it('show pages with their dates, as they change, until they are ended', async () => {
    const { client } = clientOf(() => app.token('ada-1'))
    const watched = watch(client)
    await vi.waitFor(() => expect(watched.pages).toHaveLength(1))
    await client.records.events.create.mutate({ data: event('first') })
    await vi.waitFor(() => expect(watched.pages).toHaveLength(2))
    expect(watched.pages[1]).toEqual({ titles: ['first'], startsAt: new Date('2030-01-01') })
    watched.subscription.unsubscribe()
    await allGone()
    await vi.waitFor(() => expect(watched.states).toEqual(['connecting', 'pending', 'idle']))
    expect(watched.errors).toEqual([])
  })

  it('show one record, and that it is gone', async () => {
    const { client } = clientOf(() => app.token('ada-2'))
    await client.records.events.create.mutate({ data: event('only'), recordId: 'only-2' })
    const titles: (string | null)[] = []
    const subscription = client.records.events.liveRecord.subscribe(
      { recordId: 'only-2' },
      { onData: ({ record }) => titles.push(record && (record.data.title ?? null)) },
    )
    await vi.waitFor(() => expect(titles).toEqual(['only']))
    await client.records.events.remove.mutate({ recordId: 'only-2' })
    await vi.waitFor(() => expect(titles).toEqual(['only', null]))
    subscription.unsubscribe()
    await allGone()
  })

  it('are told what they are refused for, and do not try again', async () => {
    const { client, requests } = clientOf(() => app.token('ada-3'))
    const errors: DeputyError[] = []
    const onError = (error: DeputyError) => errors.push(error)
    client.records.analytics.live.subscribe(undefined, { onError })
    client.records.events.live.subscribe({ limit: 500 }, { onError })
    await vi.waitFor(() => expect(errors).toHaveLength(2))
    expect(errors.map(({ code }) => code).sort()).toEqual(['BAD_REQUEST', 'FORBIDDEN'])
    expect(errors.find(({ code }) => code === 'BAD_REQUEST')?.issues[0]?.path).toEqual(['limit'])
    expect(requests).toHaveLength(2)
  })

  it('go on with a fresh token when theirs expires, and are given nothing twice', async () => {
    const ada = await app.as('ada-4')
    await ada.records.events.create({ data: event('there') })
    const watchFor = async (seconds: number) => {
      let tokens = 0
      const { client, requests } = clientOf(() => {
        tokens += 1
        const exp = Math.ceil(Date.now() / 1_000) + (tokens === 1 ? seconds : 3_600)
        return app.token('ada-4', { exp })
      })
      const watched = watch(client)
      await vi.waitFor(() => expect(requests.length + watched.errors.length).toBe(2))
      return { requests, watched }
    }
    let seconds = 1
    let { requests, watched } = await watchFor(seconds)
    // On a slow machine the first token may have expired before it was read.
    while (requests[1]?.lastId === undefined) {
      watched.subscription.unsubscribe()
      seconds *= 2
      ;({ requests, watched } = await watchFor(seconds))
    }
    await vi.waitFor(() => expect(watched.states).toEqual(['connecting', 'pending', 'connecting', 'pending']))
    await ada.records.events.create({ data: event('later') })
    await vi.waitFor(() =>
      expect(watched.pages.map(({ titles }) => titles)).toEqual([['there'], ['later', 'there']]),
    )
    watched.subscription.unsubscribe()
    await allGone()
  })

  it('come back when their server does, with what was written meanwhile', async () => {
    const { client } = clientOf(() => app.token('ada-5'))
    const watched = watch(client)
    await vi.waitFor(() => expect(watched.pages).toHaveLength(1))
    const { port } = new URL(server.url)
    await server.close(0)
    await (await app.as('ada-5')).records.events.create({ data: event('meanwhile') })
    await allGone()
    server = await listen({ http: app.http, host: '127.0.0.1', port: Number(port) })
    await vi.waitFor(() => expect(watched.pages.at(-1)?.titles).toEqual(['meanwhile']))
    expect(watched.pages).toHaveLength(2)
    expect(watched.errors).toEqual([])
    watched.subscription.unsubscribe()
    await allGone()
  })

  it('show an action that only reads: its results, the failures among them', async () => {
    const { client, requests } = clientOf(() => app.token('ada-9'))
    const eventId = 'shown-to-ada-9'
    const answers: unknown[] = []
    const subscription = client.actions.listAttendees.live.subscribe(
      { eventId },
      { onData: (result) => answers.push(result.success ? result.data.records.length : result.code) },
    )
    await vi.waitFor(() => expect(answers).toEqual(['NOT_FOUND']))
    await client.records.events.create.mutate({ data: event('shown'), recordId: eventId })
    await vi.waitFor(() => expect(answers).toEqual(['NOT_FOUND', 0]))
    await client.actions.inviteAttendee.mutate({ eventId, attendeeId: 'ben-9' })
    await vi.waitFor(() => expect(answers).toEqual(['NOT_FOUND', 0, 1]))
    subscription.unsubscribe()
    expect(requests).toHaveLength(1)
    await allGone()
  })

  it('are refused of an action that may write, and of one that there is not', async () => {
    const { client } = clientOf(() => app.token('ada-10'))
    const untyped = getUntypedClient<TRPCRouter<FixtureRouter>>(toTRPCClient<FixtureRouter>(client))
    const errors: DeputyError[] = []
    const handlers = { onError: (error: DeputyError) => errors.push(error) } as never
    untyped.subscription('actions.createEvent.live', {}, handlers)
    await vi.waitFor(() => expect(errors).toHaveLength(1))
    untyped.subscription('actions.listAttendee.live', {}, handlers)
    await vi.waitFor(() => expect(errors).toHaveLength(2))
    expect(errors.map(({ message }) => message)).toEqual([
      '"createEvent" may write, so that it is not run again by itself: only what only reads is shown live.',
      'There is no action "listAttendee"; did you mean "listAttendees"?',
    ])
  })

  it('are not ended by what a handler throws', async () => {
    const { client } = clientOf(() => app.token('ada-6'))
    const thrown: unknown[] = []
    const collect = (error: unknown) => thrown.push(error)
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').on('uncaughtException', collect)
    let calls = 0
    const subscription = client.records.events.live.subscribe(undefined, {
      onData() {
        calls += 1
        throw new Error('of the app')
      },
    })
    await vi.waitFor(() => expect(thrown).toHaveLength(1))
    await client.records.events.create.mutate({ data: event('next') })
    await vi.waitFor(() => expect(calls).toBe(2))
    await vi.waitFor(() => expect(thrown).toHaveLength(2))
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
    subscription.unsubscribe()
    await allGone()
  })

  it('are what tRPC’s packages subscribe by', async () => {
    const { client } = clientOf(() => app.token('ada-7'))
    const untyped = getUntypedClient<TRPCRouter<FixtureRouter>>(toTRPCClient<FixtureRouter>(client))
    const counts: unknown[] = []
    const subscription = untyped.subscription('records.events.live', { limit: 3 }, {
      onData: (page: { count: number }) => counts.push(page.count),
    } as never)
    await vi.waitFor(() => expect(counts).toEqual([0]))
    subscription.unsubscribe()
    await allGone()
  })

  it.each([
    'records.events.live/',
    'records.events.live//',
    'records.events%2Elive',
    'records%2eevents.liv%65/',
    'actions.listAttendees%2Elive',
  ])(
    'are begun, or refused, at %s as at any address of a stream, and leave with their readers',
    async (path) => {
      const input = encodeURIComponent(
        JSON.stringify({ json: path.startsWith('actions') ? { eventId: 'none' } : {} }),
      )
      const headers = { authorization: `Bearer ${await app.token('ada-9')}` }
      const send = (method: string) => {
        const signal = AbortSignal.timeout(PATIENCE_MS)
        return fetch(`${server.url}/trpc/${path}?input=${input}`, { method, headers, signal })
      }
      const stream = await send('GET')
      expect(stream.headers.get('content-type')).toBe('text/event-stream')
      expect(app.live.counts.streams).toBe(1)
      await stream.body?.cancel()
      await allGone()
      const refused = await send('POST')
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET'])
      expect(app.live.counts.streams).toBe(0)
    },
  )

  it('are written as tRPC’s own subscription link reads them', async () => {
    const input = encodeURIComponent(JSON.stringify({ json: { limit: 1, lastEventId: 'whatever' } }))
    const stream = await fetch(`${server.url}/trpc/records.events.live?input=${input}`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${await app.token('ada-8')}` },
    })
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('data: {"json"')) text += (await reader?.read())?.value ?? ''
    expect(text).toMatch(/event: connected\ndata: \{"reconnectAfterInactivityMs":\d+\}\n\n/)
    expect(text).toMatch(
      /\n\nid: [\w-]{43}\ndata: \{"json":\{"records":\[\],"count":0,"hasMore":false\}\}\n\n$/,
    )
    await reader?.cancel()
    await allGone()
  })
})
