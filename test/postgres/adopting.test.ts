import { randomUUID } from 'node:crypto'
import { cp, readFile } from 'node:fs/promises'
import { type ActionContext, type ActionResult, actionRegistry, createBuilders, ok } from 'deputyjs'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isCollection } from '../../drizzle/engine/collection.ts'
import * as system from '../../drizzle/engine/system.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { addMigration, openEmptyDatabase } from '../db/empty-database.ts'
import { fixture } from '../fixture/app.ts'
import { docSnippets } from '../support/doc-snippets.ts'
import { temporaryDirectory } from '../support/guarded.ts'
import { MIGRATIONS } from '../support/tables.ts'
import { createTestApp } from '../support/test-app.ts'
import { tickets } from './adopted-tickets.ts'

const collections = { ...fixture.collections, tickets }
interface App {
  collections: typeof collections
  integrations: typeof fixture.integrations
  env: typeof fixture.env
}
type Handler = (ctx: ActionContext<App>) => Promise<ActionResult<unknown>>

const snippets = await docSnippets('adopting.md')
const snippet = (name: string) => {
  const text = snippets.get(name)
  if (text === undefined) throw new Error(`docs/adopting.md has no snippet ${name}`)
  return text
}
const OLD_ROWS = `
  insert into tickets (subject, opened_by, opened_at) values
    ('Lamp', 'ada', '2020-01-01 10:00'), ('Door', 'bob', '2021-01-01 10:00');
  insert into ticket_notes (ticket_id, body) values (1, 'It flickers.')`

/** An app on a database that had the table before, adopted as the page says. */
async function adopt(...parts: readonly string[]) {
  const empty = await openEmptyDatabase()
  const { url = '' } = empty
  /** Another program, which writes to the table as ever. */
  const other = postgres(url, { max: 2, onnotice: () => {} })
  await other.unsafe(`${snippet('legacy')}; ${OLD_ROWS}`)
  const folder = await temporaryDirectory('adopting')
  await cp(MIGRATIONS, folder.path, { recursive: true })
  await addMigration(
    folder.path,
    '9000_adopt-tickets',
    parts.map(snippet).join('\n--> statement-breakpoint\n'),
  )
  const declared = Object.values(collections).filter(isCollection)
  const database = await openDatabase({
    databaseUrl: url,
    directory: undefined,
    migrations: folder.path,
    tables: ['tickets'],
    expected: [...declared, ...Object.values(system)],
  })
  const handlers = new Map<string, Handler>()
  const { action } = createBuilders<App>()
  const run = action
    .input(z.strictObject({ id: z.string() }))
    .mutation(({ ctx, input }) => handlers.get(input.id)?.(ctx) ?? Promise.resolve(ok(undefined)))
  const app = await createTestApp({
    collections,
    actions: actionRegistry({ run }),
    opened: { database, url, [Symbol.asyncDispose]: () => database.close() },
  })
  return {
    app,
    other,
    act: async (handler: Handler) => {
      const id = randomUUID()
      handlers.set(id, handler)
      return (await app.as('ada')).actions.run({ id })
    },
    /** The ids of the old rows. */
    ids: async () =>
      (await other<{ record_id: string }[]>`select record_id from tickets order by id`).map(
        ({ record_id }) => record_id,
      ),
    async [Symbol.asyncDispose]() {
      await other.end()
      await app[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
      await empty[Symbol.asyncDispose]()
    },
  }
}

it('the page declares what is tested here', async () => {
  const here = await readFile(new URL('adopted-tickets.ts', import.meta.url), 'utf8')
  const body = (text: string) => text.slice(text.indexOf('\n') + 1)
  expect(body(here)).toBe(body(snippet('drizzle/tickets.ts')))
})

describe.each(['keep-primary-key', 'replace-primary-key'])(
  'a table that was there before, with %s',
  (key) => {
    it('is a collection: its rows are records of who made them, and new ones are written beside them', async () => {
      await using adopted = await adopt('adopt', key)
      const ada = await adopted.app.as('ada')
      const [lamp = '', door = ''] = await adopted.ids()
      expect(await ada.records.tickets.list({})).toMatchObject({
        success: true,
        data: {
          records: [
            {
              recordId: lamp,
              createdBy: 'ada',
              createdAt: new Date('2020-01-01T10:00:00Z'),
              version: 1,
              data: { id: 1, subject: 'Lamp', isOpen: true },
            },
          ],
        },
      })
      expect(await ada.records.tickets.get({ recordId: door })).toMatchObject({ code: 'NOT_FOUND' })
      expect(await ada.records.tickets.update({ recordId: lamp, patch: { isOpen: false } })).toMatchObject({
        success: true,
      })
      const made = await ada.records.tickets.create({ data: { subject: 'Roof' } })
      const recordId = made.success ? made.data.recordId : ''
      expect(await adopted.act((ctx) => ctx.tools.get('tickets', recordId))).toMatchObject({
        data: { record: { createdBy: 'ada', version: 1, data: { id: 3, subject: 'Roof' } } },
      })
      // By merge, and by an id that is taken.
      expect(await adopted.act((ctx) => ctx.tools.create('tickets', { isOpen: true }, lamp))).toMatchObject({
        success: true,
      })
      expect(await adopted.act((ctx) => ctx.tools.get('tickets', lamp))).toMatchObject({
        data: { record: { version: 3, data: { subject: 'Lamp', isOpen: true } } },
      })
    })

    it('is written by other programs as before, and what refers to it is held', async () => {
      await using adopted = await adopt('adopt', key)
      await adopted.other`insert into tickets (subject, opened_by) values ('Bell', 'bob')`
      const found = await adopted.act((ctx) => ctx.tools.query('tickets', { where: { subject: 'Bell' } }))
      expect(found).toMatchObject({ data: { count: 1, records: [{ createdBy: null, version: 1 }] } })
      await expect(adopted.other`insert into ticket_notes (ticket_id, body) values (99, '')`).rejects.toThrow(
        'ticket_notes_ticket_id_fkey',
      )
      const [lamp = ''] = await adopted.ids()
      expect(await adopted.act((ctx) => ctx.tools.remove('tickets', lamp))).toMatchObject({
        code: 'CONFLICT',
      })
      await expect(
        adopted.other`insert into tickets (subject, record_id) values ('Twice', ${lamp})`,
      ).rejects.toThrow('tickets_pkey')
    })
  },
)

describe('another program that writes to it', () => {
  let adopted: Awaited<ReturnType<typeof adopt>>
  beforeEach(async () => {
    adopted = await adopt('adopt', 'keep-primary-key')
  })
  afterEach(() => adopted[Symbol.asyncDispose]())

  const recordOf = async (recordId: string) => {
    const [row] = await adopted.other<{ version: number; updated_at: Date; subject: string }[]>`
      select version, updated_at, subject from tickets where record_id = ${recordId}`
    return row
  }
  const updateAtFirstVersion = (recordId: string) =>
    adopted.act((ctx) => ctx.tools.update('tickets', recordId, { subject: 'Ours' }, { ifVersion: 1 }))

  it('is not noticed by ifVersion without the trigger', async () => {
    const [lamp = ''] = await adopted.ids()
    await adopted.other`update tickets set subject = 'Theirs' where record_id = ${lamp}`
    expect(await updateAtFirstVersion(lamp)).toMatchObject({ success: true })
    expect(await recordOf(lamp)).toMatchObject({ subject: 'Ours' })
  })

  it('raises version and updated_at by the trigger, and Deputy’s own writes raise them once', async () => {
    for (const part of snippet('other-writers').split('--> statement-breakpoint'))
      await adopted.other.unsafe(part)
    const [lamp = '', door = ''] = await adopted.ids()
    const before = await recordOf(lamp)
    await adopted.other`update tickets set subject = 'Theirs' where record_id = ${lamp}`
    const after = await recordOf(lamp)
    expect(after?.version).toBe(2)
    expect(after?.updated_at.getTime()).toBeGreaterThan(before?.updated_at.getTime() ?? 0)
    expect(await updateAtFirstVersion(lamp)).toMatchObject({ code: 'CONFLICT' })
    expect(await recordOf(lamp)).toMatchObject({ subject: 'Theirs', version: 2 })
    expect(await updateAtFirstVersion(door)).toMatchObject({ success: true })
    expect(await recordOf(door)).toMatchObject({ subject: 'Ours', version: 2 })
    await adopted.other`update tickets set version = 2147483647 where record_id = ${door}`
    await adopted.other`update tickets set subject = 'On' where record_id = ${door}`
    expect(await recordOf(door)).toMatchObject({ version: 1 })
  })

  /** An action that closes the door if the lamp is open, while the other program closes the lamp if the door is open. */
  const race = async (isolation: string) => {
    const [lamp = '', door = ''] = await adopted.ids()
    let runs = 0
    const answer = await adopted.act(async (ctx) => {
      runs += 1
      const read = await ctx.tools.get('tickets', lamp)
      if (!read.success) return read
      if (runs === 1)
        await adopted.other.begin(`isolation level ${isolation}`, async (sql) => {
          const [seen] = await sql`select is_open from tickets where record_id = ${door}`
          if (seen?.is_open) await sql`update tickets set is_open = false where record_id = ${lamp}`
        })
      if (!read.data.record.data.isOpen) return ok('left open')
      return ctx.tools.update('tickets', door, { isOpen: false })
    })
    const rows = await adopted.other`select is_open from tickets where is_open`
    return { success: answer.success, runs, open: rows.length }
  }

  it('breaks what an action has read, at READ COMMITTED', async () => {
    expect(await race('read committed')).toEqual({ success: true, runs: 1, open: 0 })
  })

  it('does not at SERIALIZABLE: the action is run again', async () => {
    expect(await race('serializable')).toEqual({ success: true, runs: 2, open: 1 })
  })
})
