import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type ClientOptions, createClient, unwrap, type WrittenRecord } from '../../client/core/index.ts'
import { parseWritten } from '../../client/core/written.ts'
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
const ANYTHING = [{ collection: undefined, recordId: undefined }]

/** A client that keeps what it is told, and the headers that it sends. */
async function toldClient(options: Partial<ClientOptions> = {}) {
  const told: (readonly WrittenRecord[])[] = []
  const sent: (string | undefined)[] = []
  const client = createClient<FixtureRouter>({
    url,
    token: await app.token('ada'),
    onWritten: (written) => told.push(written),
    fetch: (input, init) => {
      sent.push(init?.headers?.['deputy-tell-writes'])
      return fetch(input, init as RequestInit)
    },
    ...options,
  })
  return { client, told, sent }
}

it('is told what a mutation wrote before it is answered, and asks nothing of a query', async () => {
  const { client, told, sent } = await toldClient()
  const { recordId } = unwrap(await client.actions.createEvent.mutate(EVENT))
  expect(told).toEqual([[{ collection: 'events', recordId }]])
  unwrap(await client.records.events.get.query({ recordId }))
  expect([told.length, sent]).toEqual([1, ['true', undefined]])
})

it('is told of the mutations of one request together', async () => {
  const { client, told } = await toldClient()
  const made = await Promise.all([
    client.actions.createEvent.mutate(EVENT),
    client.actions.cancelEvent.mutate({ eventId: 'none' }),
    client.actions.createEvent.mutate(EVENT),
  ])
  const ids = made.flatMap((result) =>
    result.success && 'recordId' in result.data ? [result.data.recordId] : [],
  )
  expect(ids).toHaveLength(2)
  expect(told).toEqual([ids.map((recordId) => ({ collection: 'events', recordId }))])
})

it('is told nothing where nothing was written, and does not ask without a listener', async () => {
  const { client, told } = await toldClient()
  await client.actions.cancelEvent.mutate({ eventId: 'none' })
  expect(told).toEqual([])
  const sent: unknown[] = []
  const silent = createClient<FixtureRouter>({
    url,
    token: await app.token('ada'),
    fetch: (input, init) => {
      sent.push(init?.headers?.['deputy-tell-writes'])
      return fetch(input, init as RequestInit)
    },
  })
  unwrap(await silent.actions.createEvent.mutate(EVENT))
  expect(sent).toEqual([undefined])
})

it('is told that it may be anything where it cannot know', async () => {
  const bare: ClientOptions['fetch'] = async (input, init) => {
    const answer = await fetch(input, init as RequestInit)
    return { ok: answer.ok, json: () => answer.json() }
  }
  const { client, told } = await toldClient({ fetch: bare })
  unwrap(await client.actions.createEvent.mutate(EVENT))
  const call = { context: { idempotencyKey: 'twice' } }
  const { client: other, told: again } = await toldClient()
  unwrap(await other.actions.createEvent.mutate(EVENT, call))
  unwrap(await other.actions.createEvent.mutate(EVENT, call))
  expect([told, again.at(-1)]).toEqual([[ANYTHING], ANYTHING])
})

it('does not fail where its listener does', async () => {
  const thrown = new Error('A mistake of the app')
  const caught = new Promise((resolve) => {
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', (error) => {
      for (const listener of listeners) process.on('uncaughtException', listener)
      resolve(error)
    })
  })
  const { client } = await toldClient({ onWritten: vi.fn().mockThrow(thrown) })
  expect((await client.actions.createEvent.mutate(EVENT)).success).toBe(true)
  expect(await caught).toBe(thrown)
})

it.each([
  ['events/a%20b%2Fc%2C notes', [{ collection: 'events', recordId: 'a b/c,' }, { collection: 'notes' }]],
  [
    ',events/1,,events/1 notes/2',
    [
      { collection: 'events', recordId: '1' },
      { collection: 'notes', recordId: '2' },
    ],
  ],
  ['events/1,*', ANYTHING],
  ['events/%E0%A4%A', ANYTHING],
])('reads %s', (header, written) => {
  expect(parseWritten(header)).toEqual(written)
})
