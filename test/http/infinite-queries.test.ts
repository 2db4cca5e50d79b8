import { actionRegistry, ok, page } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { listAttendees } from '../fixture/actions/list-attendees.ts'
import { action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

const actions = actionRegistry({
  listAttendees,
  listNothing: action
    .input(z.strictObject({ topic: z.string(), ...page({ limit: 5, maxLimit: 10 }) }))
    .query(async ({ input: { limit } }) => ok({ records: [], limit, nextCursor: null })),
  spend: action.input(z.strictObject(page())).mutation(async ({ input }) => ok(input)),
})

type App = Awaited<ReturnType<typeof open>>
const open = () => createTestApp({ actions })
let app: App
let url: string
let token: string

beforeAll(async () => {
  app = await open()
  url = await app.listen()
  token = await app.token('owner')
  const owner = await app.as('owner')
  const data = { title: 'Launch', startsAt: new Date('2030-01-01T00:00:00Z'), capacity: 1 }
  const created = await owner.records.events.create({ data })
  inputs['actions.listAttendees'] = { eventId: created.data?.recordId }
})
afterAll(() => app[Symbol.asyncDispose]())

/** What a paged procedure needs besides. */
const inputs: Record<string, object> = {
  'actions.listNothing': { topic: 'x' },
  'data.list': { collection: 'events' },
}
/** Queries that answer with one thing, or with all there is. */
const NOT_PAGED =
  /^(?:records\.\w+\.(?:get|count)|users\.me|data\.get|audit\.get|jobs\.get|schedules\.list|credits\.(?:balance|spending)|status\.(?:get|findings)|calls\.(?:totals|written)|integrations\.list)$/

/** tRPC's integrations ask so: `json` is the input with what they add. */
async function ask(path: string, input: object) {
  const text = encodeURIComponent(JSON.stringify({ json: input }))
  const response = await fetch(`${url}/trpc/${path}?input=${text}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return { status: response.status, body: JSON.stringify(await response.json()) }
}

function pagedPaths(): string[] {
  // tRPC keeps them flat, by path; its type shows them as they are nested.
  const flat = app.router._def.procedures as unknown as Record<string, { _def: { type: string } }>
  return Object.entries(flat).flatMap(([path, { _def }]) =>
    _def.type === 'query' && !NOT_PAGED.test(path) ? [path] : [],
  )
}

describe('what infinite queries send', () => {
  it.each([{}, { cursor: null }, { direction: 'forward' }, { cursor: null, direction: 'forward', limit: 5 }])(
    '%j is taken by every paged procedure',
    async (added) => {
      expect(pagedPaths().length).toBeGreaterThan(8)
      for (const path of pagedPaths()) {
        const { status, body } = await ask(path, { ...inputs[path], ...added })
        expect([path, status, body]).toEqual([path, 200, expect.stringContaining('"nextCursor":')])
      }
    },
  )

  it.each([{ direction: 'backward' }, { direction: 1 }, { cursor: 5 }])(
    '%j is refused by every paged procedure, with what is wrong',
    async (added) => {
      const [name] = Object.keys(added)
      for (const path of pagedPaths()) {
        const { body } = await ask(path, { ...inputs[path], ...added })
        expect([path, body]).toEqual([
          path,
          expect.stringMatching(new RegExp(`BAD_REQUEST.*${name}|${name}.*BAD_REQUEST`)),
        ])
      }
    },
  )

  it('a cursor of another list is refused by every one, with a code', async () => {
    for (const path of pagedPaths().filter((name) => name !== 'actions.listNothing')) {
      const { body } = await ask(path, { ...inputs[path], cursor: 'forged' })
      expect([path, body]).toEqual([
        path,
        expect.stringMatching(
          /"path":\["cursor"\],"message":"[^"]+","code":"invalid_argument","params":\{\}/,
        ),
      ])
    }
  })

  it('is part of what a key of a mutation names, as it was sent', async () => {
    const send = async (key: string, input: object) => {
      const response = await fetch(`${url}/api/actions/spend`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify(input),
      })
      return response.status
    }
    const sent = { cursor: null, direction: 'forward' }
    expect([await send('one', sent), await send('one', sent), await send('one', { cursor: null })]).toEqual([
      200, 200, 422,
    ])
  })

  it('makes no cursor another one', async () => {
    const ada = await app.as('ada')
    for (const title of ['a', 'b', 'c']) {
      const data = { title, startsAt: new Date('2030-01-01T00:00:00Z'), capacity: 1 }
      expect(await ada.records.events.create({ data })).toMatchObject({ success: true })
    }
    const first = await ada.records.events.list({ limit: 2, cursor: null, direction: 'forward' })
    const cursor = first.success ? first.data.nextCursor : null
    expect(cursor).toBeTypeOf('string')
    expect(await ada.records.events.list({ limit: 2, cursor })).toMatchObject({ data: { count: 1 } })
    expect(await ada.records.events.list({ limit: 2, cursor, direction: 'forward' })).toMatchObject({
      data: { count: 1 },
    })
  })

  it('has the bounds that its author gave it', async () => {
    expect((await ask('actions.listNothing', { topic: 'x' })).body).toContain('"limit":5')
    expect((await ask('actions.listNothing', { topic: 'x', limit: 11 })).status).toBe(400)
  })
})
