import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry } from 'deputyjs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createClient } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

type Result = ActionResult<unknown>
type Fields = Readonly<Record<string, unknown>>

const handlers = new Map<string, (ctx: ActionContext) => Promise<Result>>()
const run = action
  .input(z.strictObject({ id: z.string() }))
  .mutation(async ({ ctx, input }): Promise<Result> => {
    const handler = handlers.get(input.id)
    if (!handler) throw new Error('No such handler')
    return handler(ctx)
  })
const openApp = () => createTestApp({ actions: actionRegistry({ run }) })

let app: Awaited<ReturnType<typeof openApp>>
let url: string
beforeAll(async () => {
  app = await openApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

async function inAction(handler: (ctx: ActionContext) => Promise<Result>): Promise<Result> {
  const id = randomUUID()
  handlers.set(id, handler)
  const result = await (await app.as('ada')).actions.run({ id })
  handlers.delete(id)
  return result
}

interface Surface {
  create(data: Fields, recordId?: string): Promise<Result>
  update(recordId: string, patch: Fields): Promise<Result>
}

/** Everything that takes data as values: JSON over REST has no undefined. */
const SURFACES: Readonly<Record<string, Surface>> = {
  tools: {
    create: (data, recordId) =>
      inAction(({ tools }) => tools.create('events', data as never, recordId as never)),
    update: (recordId, patch) => inAction(({ tools }) => tools.update('events', recordId, patch as never)),
  },
  asCaller: {
    create: (data, recordId) =>
      inAction(({ asCaller }) => asCaller.create('events', data as never, recordId as never)),
    update: (recordId, patch) =>
      inAction(({ asCaller }) => asCaller.update('events', recordId, patch as never)),
  },
  createCaller: {
    create: async (data, recordId) =>
      (await app.as('ada')).records.events.create({ data, recordId } as never),
    update: async (recordId, patch) =>
      (await app.as('ada')).records.events.update({ recordId, patch: patch as never }),
  },
  client: {
    create: async (data, recordId) =>
      (await client()).records.events.create.mutate({ data, recordId } as never),
    update: async (recordId, patch) =>
      (await client()).records.events.update.mutate({ recordId, patch: patch as never }),
  },
}

const client = async () => createClient<FixtureRouter>({ url, token: await app.token('ada') })
const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 5 }

/** What is stored, without its id and its times. */
async function stored(recordId: string) {
  const found = await (await app.as('ada')).records.events.get({ recordId })
  if (!found.success) return found.code
  const { data, version, createdBy } = found.data.record
  return { data, version, createdBy }
}

describe.each(Object.entries(SURFACES))('a field that is undefined (%s)', (_name, surface) => {
  it('is as if it were not given, in a new record, an upsert and an update', async () => {
    const value = fc.constantFrom<unknown>(undefined, undefined, undefined, null, 7, 'text', 'public')
    const given = fc.record(
      {
        title: fc.constantFrom<unknown>(undefined, 'A title'),
        startsAt: fc.constantFrom<unknown>(undefined, EVENT.startsAt),
        capacity: fc.constantFrom<unknown>(undefined, 7),
        summary: value,
        visibility: value,
        attendeeCount: value,
        titel: value,
        version: value,
      },
      { requiredKeys: [] },
    )
    const verb = fc.constantFrom('create', 'upsert of none', 'upsert', 'update')
    /** One write in a place of its own: what it answers, and what is stored after it. */
    const outcome = async (how: string, data: Fields) => {
      const recordId = randomUUID()
      if (how === 'upsert' || how === 'update') {
        const seeded = await surface.create({ ...EVENT, summary: 'kept' }, recordId)
        if (!seeded.success) throw new Error(seeded.error)
      }
      const answer =
        how === 'update'
          ? await surface.update(recordId, data)
          : await surface.create(data, how === 'create' ? undefined : recordId)
      const written = answer.success ? (answer.data as { recordId: string }).recordId : recordId
      const told = JSON.stringify(answer).replaceAll(written, 'ID')
      return { told, stored: await stored(written) }
    }
    await fc.assert(
      fc.asyncProperty(verb, given, async (how, data) => {
        const without = Object.fromEntries(Object.entries(data).filter(([, field]) => field !== undefined))
        expect(await outcome(how, data)).toEqual(await outcome(how, without))
      }),
      { numRuns: 25 },
    )
  })

  it('keeps what an upsert finds, and leaves a new record to its default', async () => {
    const recordId = randomUUID()
    const data = { ...EVENT, summary: 'kept', visibility: undefined }
    expect(await surface.create(data, recordId)).toMatchObject({ success: true })
    expect(
      await surface.create({ title: 'Again', summary: undefined, capacity: undefined }, recordId),
    ).toMatchObject({ success: true })
    expect(await stored(recordId)).toMatchObject({
      data: { title: 'Again', summary: 'kept', capacity: 5, visibility: 'private' },
      version: 2,
    })
  })

  it('is required where a new record needs it', async () => {
    expect(await surface.create({ ...EVENT, title: undefined })).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path: ['data', 'title'], message: 'is required' }],
    })
  })

  it('is no field to update', async () => {
    const recordId = randomUUID()
    expect(await surface.create(EVENT, recordId)).toMatchObject({ success: true })
    expect(await surface.update(recordId, { title: undefined })).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path: ['patch'], message: 'must name at least one field' }],
    })
    expect(await stored(recordId)).toMatchObject({ version: 1 })
  })
})

describe('a condition that is undefined', () => {
  const WHERES: readonly (readonly [string, unknown])[] = [
    ['a field', { title: undefined }],
    ['a field beside another', { title: undefined, capacity: 5 }],
    ['an operator', { title: { eq: undefined } }],
    ['a list', { title: { in: undefined } }],
    ['AND', { AND: undefined }],
    ['a member of OR', { OR: [undefined, { capacity: 5 }] }],
    ['NOT', { NOT: undefined }],
  ]
  it.each(WHERES)('never widens a query: %s', async (_what, where) => {
    const refused = { success: false, code: 'BAD_REQUEST' }
    const caller = await app.as('ada')
    const options = { where } as never
    expect(await caller.records.events.list(options)).toMatchObject(refused)
    expect(await caller.records.events.count(options)).toMatchObject(refused)
    expect(await (await client()).records.events.list.query(options)).toMatchObject(refused)
    for (const verb of ['query', 'count'] as const) {
      const argument = verb === 'query' ? options : (where as never)
      expect(await inAction(({ tools }) => tools[verb]('events', argument))).toMatchObject(refused)
      expect(await inAction(({ asCaller }) => asCaller[verb]('events', argument))).toMatchObject(refused)
    }
    expect(await inAction(({ tools }) => tools.deleteWhere('events', where as never))).toMatchObject(refused)
    expect(
      await inAction(({ tools }) => tools.updateWhere('events', where as never, { capacity: 9 })),
    ).toMatchObject(refused)
  })
})
