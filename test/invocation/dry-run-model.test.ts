import { type ActionResult, fail, ok } from 'deputyjs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DryRunWrite } from '../../server/invocation/dry-run/read-writes.ts'
import {
  type Context,
  collections,
  everyRow,
  type Handler,
  openRehearsal,
  type Rehearsal,
} from './dry-run-app.ts'

const RUNS = 40
const IDS = ['a', 'b', 'c'] as const
const COLLECTIONS = ['notes', 'shelves', 'vaults', 'events', 'attendees', 'users'] as const
const STARTS_AT = new Date('2030-01-01T18:00:00Z')
const TIMES: ReadonlySet<string> = new Set(['createdAt', 'updatedAt'])

let app: Rehearsal
beforeAll(async () => {
  app = await openRehearsal()
})
afterAll(() => app[Symbol.asyncDispose]())

const id = fc.constantFrom(...IDS)
const word = fc.constantFrom('red', 'green', 'blue')
const amount = fc.integer({ min: -2, max: 3 })

type Verb = (ctx: Context) => Promise<ActionResult<unknown>>

/** Something that an action may do. Much of it fails: that a record is not there, or that a constraint forbids it. */
const verb: fc.Arbitrary<readonly [name: string, verb: Verb]> = fc.oneof(
  named(
    'make a note',
    fc.tuple(word, fc.option(id, { nil: undefined })),
    ([title, shelfId]) =>
      (ctx) =>
        ctx.tools.create('notes', { title, ...(shelfId === undefined ? {} : { shelfId }) }),
  ),
  named(
    'merge a note',
    fc.tuple(id, word, fc.boolean()),
    ([note, title, isPublic]) =>
      (ctx) =>
        ctx.tools.create('notes', { title, isPublic }, note),
  ),
  named(
    'rename a note',
    fc.tuple(id, word),
    ([note, title]) =>
      (ctx) =>
        ctx.tools.update('notes', note, { title }),
  ),
  named(
    'count pages',
    fc.tuple(id, amount),
    ([note, pages]) =>
      (ctx) =>
        ctx.tools.increment('notes', note, { pages }),
  ),
  named('remove a note', id, (note) => (ctx) => ctx.tools.remove('notes', note)),
  named(
    'publish notes',
    word,
    (title) => (ctx) => ctx.tools.updateWhere('notes', { title }, { isPublic: true, draft: 'x' }),
  ),
  named('remove notes', word, (title) => (ctx) => ctx.tools.deleteWhere('notes', { title })),
  named('set up a shelf', id, (shelf) => (ctx) => ctx.tools.create('shelves', {}, shelf)),
  named('take a shelf away', id, (shelf) => (ctx) => ctx.tools.remove('shelves', shelf)),
  named(
    'fill a vault',
    fc.tuple(id, word),
    ([vault, content]) =>
      (ctx) =>
        ctx.tools.create('vaults', { content }, vault),
  ),
  named(
    'plan an event',
    fc.tuple(id, fc.integer({ min: 0, max: 3 })),
    ([event, capacity]) =>
      (ctx) =>
        ctx.tools.create('events', { title: 'E', startsAt: STARTS_AT, capacity }, event),
  ),
  named(
    'invite',
    fc.tuple(id, id),
    ([eventId, attendeeId]) =>
      (ctx) =>
        ctx.tools.create('attendees', { eventId, attendeeId }),
  ),
  named(
    'count attendees',
    fc.tuple(id, amount),
    ([event, attendeeCount]) =>
      (ctx) =>
        ctx.tools.increment('events', event, { attendeeCount }),
  ),
  named('cancel an event', id, (event) => (ctx) => ctx.tools.remove('events', event)),
  named(
    'register',
    fc.tuple(id, word),
    ([userId, name]) =>
      (ctx) =>
        ctx.tools.registerUser({ userId, name }),
  ),
  named(
    'SQL',
    fc.tuple(id, word),
    ([vault, content]) =>
      (ctx) =>
        ctx.tools.sql(async (db) => {
          await db.execute(`update vaults set content = '${content}!' where record_id >= '${vault}'`)
          return null
        }),
  ),
)

const program = fc.record({
  verbs: fc.array(verb, { maxLength: 6 }),
  fails: fc.nat(9).map((nth) => nth === 0),
})

it('tells what the real call then does, and changes nothing itself', async () => {
  let committed = 0
  await fc.assert(
    fc.asyncProperty(program, async ({ verbs, fails }) => {
      const handler: Handler = async (ctx) => {
        for (const [, run] of verbs) await run(ctx)
        return fails ? fail('CONFLICT', 'Not today.') : ok(null)
      }
      const rows = await everyRow(app.app.database)
      const report = await app.rehearse(handler)
      expect(await everyRow(app.app.database)).toEqual(rows)

      const before = await everyRecord()
      const real = await app.run(handler)
      expect(report).toMatchObject(
        real.success ? { outcome: 'would commit' } : { outcome: 'would fail', failure: real },
      )
      expect(withoutChance(report.writes)).toEqual(withoutChance(difference(before, await everyRecord())))
      if (real.success) committed += 1
    }),
    { numRuns: RUNS },
  )
  expect(committed).toBeGreaterThan(RUNS / 4)
})

function named<T>(name: string, given: fc.Arbitrary<T>, make: (given: T) => Verb) {
  return given.map((value) => [`${name} ${JSON.stringify(value)}`, make(value)] as const)
}

type Records = ReadonlyMap<string, Readonly<Record<string, unknown>>>

/** Every record by `collection/id`, as the app reads them. */
async function everyRecord(): Promise<Records> {
  const records = new Map<string, Readonly<Record<string, unknown>>>()
  const read = await app.run(async (ctx) => {
    for (const collection of COLLECTIONS) {
      const page = await ctx.tools.query(collection, { limit: 200 })
      if (!page.success) return page
      expect(page.data.nextCursor).toBeNull()
      for (const { recordId, data, ...system } of page.data.records)
        records.set(`${collection}/${recordId}`, { ...data, ...system })
    }
    return ok(null)
  })
  if (!read.success) throw new Error(read.error)
  return records
}

function difference(before: Records, after: Records): DryRunWrite[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key): DryRunWrite[] => {
    const [collection = '', recordId = ''] = key.split('/')
    const [was, is] = [before.get(key), after.get(key)]
    if (!was) return [{ operation: 'create', collection, recordId, before: null, after: is ?? null }]
    if (!is) return [{ operation: 'remove', collection, recordId, before: was, after: null }]
    const changed = Object.keys(is).filter(
      (field) => JSON.stringify(was[field]) !== JSON.stringify(is[field]),
    )
    if (changed.length === 0) return []
    const only = (fields: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(changed.map((field) => [field, fields[field]]))
    return [{ operation: 'update', collection, recordId, before: only(was), after: only(is) }]
  })
}

/** In an order of their own, without what two runs cannot have in common: times, and ids that are minted. */
function withoutChance(writes: readonly DryRunWrite[]) {
  const timeless = (fields: DryRunWrite['after']) =>
    fields && Object.fromEntries(Object.entries(fields).filter(([field]) => !TIMES.has(field)))
  return writes
    .map(({ recordId, before, after, ...write }) => ({
      ...write,
      recordId: before === null && !IDS.some((known) => known === recordId) ? 'minted' : recordId,
      before: timeless(before),
      after: timeless(after),
    }))
    .map((write) => [JSON.stringify(write), write] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, write]) => write)
}

it('knows every collection of the app', () => {
  expect(
    Object.keys(collections)
      .filter((name) => name !== 'analytics')
      .sort(),
  ).toEqual([...COLLECTIONS].sort())
})
