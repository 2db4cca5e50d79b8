import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PRICE, RESERVE } from '../ledger/market.ts'
import { createTestApp } from '../support/test-app.ts'
import { everyRow, type Handler, openRehearsal, type Rehearsal } from './dry-run-app.ts'

let app: Rehearsal
beforeAll(async () => {
  app = await openRehearsal()
})
afterAll(() => app[Symbol.asyncDispose]())

/** An id of a test's own. */
const newId = () => randomUUID()

/** A note that ada has written, in a call that counts. */
async function newNote(fields: { title?: string; isPublic?: boolean; draft?: string; apiKey?: string } = {}) {
  const id = newId()
  const created = await app.run((ctx) => ctx.tools.create('notes', { title: 'A Note', ...fields }, id), {
    by: 'ada',
  })
  if (!created.success) throw new Error(created.error)
  return id
}

describe('what a dry run tells of the records', () => {
  it('shows what would be created, with what the database makes of it', async () => {
    const report = await app.rehearse((ctx) =>
      ctx.tools.create('notes', { title: 'Big Plan', pages: 3 }, 'plan'),
    )
    expect(report).toMatchObject({
      outcome: 'would commit',
      isComplete: true,
      maxCost: 0,
      attempts: 1,
      sql: false,
    })
    expect(report.result).toEqual({ recordId: 'plan' })
    expect(report.writes).toEqual([
      {
        operation: 'create',
        collection: 'notes',
        recordId: 'plan',
        before: null,
        after: {
          title: 'Big Plan',
          draft: null,
          apiKey: null,
          pages: 3,
          doubled: 6,
          slug: 'big-plan',
          shelfId: null,
          isPublic: false,
          createdBy: 'owner',
          createdAt: expect.any(Date),
          updatedAt: expect.any(Date),
          version: 1,
        },
      },
    ])
    expect(await app.rows('select 1 from notes where record_id = $1', 'plan')).toEqual([])
  })

  const verbs: Record<string, (id: string) => Handler> = {
    update: (id) => (ctx) => ctx.tools.update('notes', id, { title: 'New Name' }),
    updateWhere: (id) => (ctx) => ctx.tools.updateWhere('notes', { recordId: id }, { title: 'New Name' }),
    merge: (id) => (ctx) => ctx.tools.create('notes', { title: 'New Name' }, id),
    sql: (id) => (ctx) =>
      ctx.tools.sql(async (db) => {
        await db.execute(`update notes set title = 'New Name' where record_id = '${id}'`)
        return null
      }),
  }
  it.each(Object.entries(verbs))(
    'shows the fields that %s changes, as they are and as they would be',
    async (verb, handler) => {
      const id = await newNote()
      const { writes } = await app.rehearse(handler(id))
      expect(writes).toEqual([
        {
          operation: 'update',
          collection: 'notes',
          recordId: id,
          before: expect.objectContaining({ title: 'A Note', slug: 'a-note' }),
          after: expect.objectContaining({ title: 'New Name', slug: 'new-name' }),
        },
      ])
      const system = verb === 'sql' ? [] : ['updatedAt', 'version']
      expect(Object.keys(writes[0]?.after ?? {}).sort()).toEqual(['slug', 'title', ...system])
      expect(await app.rows('select title from notes where record_id = $1', id)).toEqual([['A Note']])
    },
  )

  it('shows the sum of increments and updates of one record as one write', async () => {
    const id = await newNote()
    const { writes } = await app.rehearse(async (ctx) => {
      await ctx.tools.increment('notes', id, { pages: 2 })
      await ctx.tools.increment('notes', id, { pages: 3 })
      return ctx.tools.update('notes', id, { draft: 'x' })
    })
    expect(writes).toMatchObject([
      {
        before: { pages: 1, doubled: 2, draft: null, version: 1 },
        after: { pages: 6, doubled: 12, draft: 'x', version: 4 },
      },
    ])
  })

  it.each(['remove', 'deleteWhere'] as const)('shows what %s takes away', async (verb) => {
    const id = await newNote({ draft: 'dear' })
    const { writes } = await app.rehearse((ctx) =>
      verb === 'remove'
        ? ctx.tools.remove('notes', id)
        : (ctx.tools.deleteWhere('notes', { recordId: id }) as never),
    )
    expect(writes).toMatchObject([
      { operation: 'remove', recordId: id, before: { draft: 'dear', version: 1 }, after: null },
    ])
  })

  it('says nothing of a record that is created and removed, or changed back', async () => {
    const { writes } = await app.rehearse(async (ctx) => {
      await ctx.tools.create('vaults', { content: 'x' }, 'brief')
      await ctx.tools.remove('vaults', 'brief')
      return ok(null)
    })
    expect(writes).toEqual([])
  })

  it('shows what a cascade takes away and what a trigger writes in another collection', async () => {
    const event = newId()
    const starts = new Date('2030-01-01T18:00:00Z')
    await app.run(async (ctx) => {
      await ctx.tools.create('events', { title: 'E', startsAt: starts, capacity: 9 }, event)
      await ctx.tools.create('attendees', { eventId: event, attendeeId: 'grace' }, `${event}-grace`)
      return ctx.tools.create('shelves', {}, `${event}-shelf`)
    })
    const { writes, isComplete, tables } = await app.rehearse(async (ctx) => {
      await ctx.tools.create('notes', { title: 'N', shelfId: `${event}-shelf` }, `${event}-note`)
      return ctx.tools.remove('events', event)
    })
    expect(
      writes.map(({ operation, collection, recordId }) => [operation, collection, recordId]).sort(),
    ).toEqual([
      ['create', 'notes', `${event}-note`],
      ['remove', 'attendees', `${event}-grace`],
      ['remove', 'events', event],
      ['update', 'shelves', `${event}-shelf`],
    ])
    expect(writes.find(({ collection }) => collection === 'shelves')).toMatchObject({
      before: { count: 0 },
      after: { count: 1 },
    })
    expect([isComplete, tables]).toEqual([true, undefined])
  })

  it('names tables that are no collections, where something was written in them', async () => {
    const id = await newNote()
    const report = await app.rehearse((ctx) => ctx.tools.remove('notes', id))
    expect(report).toMatchObject({ isComplete: false, tables: ['public.note_log'] })
  })

  it('says that SQL of the app ran', async () => {
    const report = await app.rehearse((ctx) => ctx.tools.sql(async () => null))
    expect(report).toMatchObject({ sql: true, writes: [], isComplete: true })
  })

  it('shows what writes as the caller would do', async () => {
    const id = await newNote()
    const { writes } = await app.rehearse((ctx) => ctx.asCaller.update('notes', id, { title: 'Mine' }), {
      by: 'ada',
    })
    expect(writes).toMatchObject([{ before: { title: 'A Note' }, after: { title: 'Mine' } }])
  })

  it('leaves out what is too large, and says so', async () => {
    const [large, small] = ['l', 's'].map((end) => `${newId()}-${end}`)
    const { writes, isComplete } = await app.rehearse(async (ctx) => {
      for (let nth = 0; nth < 300; nth += 1)
        await ctx.tools.create('vaults', { content: 'x'.repeat(9_000) }, `${large}-${nth}`)
      return ctx.tools.create('shelves', {}, small)
    })
    expect(isComplete).toBe(false)
    expect(writes.length).toBeGreaterThan(200)
    expect(writes.length).toBeLessThan(300)
  })
})

describe('how a dry run ends', () => {
  it('tells the failure that the handler returns, and that nothing would be written', async () => {
    const report = await app.rehearse(async (ctx) => {
      await ctx.tools.create('vaults', { content: 'x' })
      return fail('CONFLICT', 'Not today.', { details: { day: 1 } })
    })
    expect(report).toEqual({
      outcome: 'would fail',
      failure: fail('CONFLICT', 'Not today.', { details: { day: 1 } }),
      writes: [],
      isComplete: true,
      messages: [],
      maxCost: 0,
      attempts: 1,
      sql: false,
      timeline: expect.any(Array),
    })
  })

  it('tells the owner what its time went to, and no values', async () => {
    const secret = newId()
    const { timeline } = await app.rehearse((ctx) => ctx.tools.create('vaults', { content: secret }))
    expect(timeline).toContainEqual({
      what: 'statement',
      name: expect.stringMatching(/^insert .*vaults/),
      at: expect.any(Number),
      ms: expect.any(Number),
    })
    expect(JSON.stringify(timeline)).not.toContain(secret)
    const hers = await app.rehearse((ctx) => ctx.tools.create('notes', { title: 'x' }), { by: 'ada' })
    expect(hers).not.toHaveProperty('timeline')
  })

  it('tells a failure that came from the database', async () => {
    const report = await app.rehearse((ctx) => ctx.tools.update('notes', newId(), { title: 'x' }))
    expect(report).toMatchObject({ outcome: 'would fail', failure: { code: 'NOT_FOUND' } })
  })

  it('fails by a constraint that is checked at COMMIT alone, as the real call does', async () => {
    const handler: Handler = (ctx) => ctx.tools.create('notes', { title: 'N', shelfId: 'nowhere' })
    const real = await app.run(handler)
    expect(real).toMatchObject({ success: false, code: 'CONFLICT' })
    expect(await app.rehearse(handler)).toMatchObject({ outcome: 'would fail', failure: real, writes: [] })
  })

  it('throws what nobody expected, with its request id in the log', async () => {
    await expect(app.rehearse(() => Promise.reject(new Error('broken')))).rejects.toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
    })
  })

  it('reads, and shows the owner what was read', async () => {
    const report = await app.rehearseRead(async (ctx) => ctx.tools.count('shelves'))
    expect(report).toMatchObject({
      outcome: 'would commit',
      writes: [],
      result: { count: expect.any(Number) },
    })
  })
})

describe('outside steps of a dry run', () => {
  it('stop it, with what they would cost and what was written before', async () => {
    const id = newId()
    const handler: Handler = async (ctx) => {
      await ctx.tools.create('vaults', { content: 'first' }, id)
      const bought = await ctx.tools.integration('dev/meter', { id })
      return bought.success ? ctx.tools.update('vaults', id, { content: 'second' }) : bought
    }
    const report = await app.rehearse(handler)
    expect(report).toMatchObject({
      outcome: 'stopped',
      stoppedAt: `would call dev/meter for at most ${RESERVE} micro-credits`,
      maxCost: RESERVE,
      writes: [{ operation: 'create', after: { content: 'first' } }],
    })
    expect(report).not.toHaveProperty('result')
    expect(app.provider.received).toEqual([])
  })

  it('say that a proxy bills by itself', async () => {
    const report = await app.rehearse((ctx) => ctx.tools.integration('proxied-dev/buy', { id: 'x' }))
    expect(report).toMatchObject({
      stoppedAt: 'would call proxied-dev/buy through the proxy, which bills by itself',
      maxCost: null,
    })
  })

  it('are answered by what the test says, with as many attempts as the real call takes', async () => {
    const id = newId()
    const handler: Handler = async (ctx) => {
      await ctx.tools.create('vaults', { content: 'first' }, id)
      const bought = await ctx.tools.integration('dev/meter', { id })
      if (!bought.success) return bought
      const told = await ctx.tools.once('told', () => 'for real')
      return ctx.tools.update('vaults', id, {
        content: JSON.stringify([bought.data, told.success && told.data]),
      })
    }
    const report = await app.rehearse(handler, {
      answers: { 'dev/meter': ok({ total: 12 }), 'once:told': ok('in jest') },
    })
    expect(report).toMatchObject({
      outcome: 'would commit',
      maxCost: RESERVE,
      attempts: 3,
      writes: [{ operation: 'create', after: { content: '[{"total":12},"in jest"]' } }],
    })
    expect(app.provider.received).toEqual([])
  })

  it('may be answered by a failure', async () => {
    const report = await app.rehearse((ctx) => ctx.tools.integration('dev/buy', { id: 'x' }), {
      answers: { 'dev/buy': fail('BAD_GATEWAY', 'It is down.') },
    })
    expect(report).toMatchObject({
      outcome: 'would fail',
      failure: fail('BAD_GATEWAY', 'It is down.'),
      maxCost: PRICE,
    })
  })

  it('are the functions of once as well', async () => {
    let ran = 0
    const report = await app.rehearse(async (ctx) => {
      await ctx.tools.once('ring', () => {
        ran += 1
        return null
      })
      return ok(1)
    })
    expect(report).toMatchObject({ outcome: 'stopped', stoppedAt: 'would run the function of once:ring' })
    expect(ran).toBe(0)
  })
})

describe('messages of a dry run', () => {
  it('are listed with what they would cost, without what is secret, and not queued', async () => {
    const report = await app.rehearse(async (ctx) => {
      await ctx.tools.enqueue('dev/buy', { id: 'a', prompt: 'whisper' })
      return ctx.tools.enqueue('own/meter', { id: 'b' })
    })
    expect(report.messages).toEqual([
      { endpoint: 'dev/buy', data: { id: 'a', prompt: '[secret]' }, payer: 'owner', maxCost: PRICE },
      { endpoint: 'own/meter', data: { id: 'b' }, payer: 'caller', maxCost: RESERVE },
    ])
    expect(report.maxCost).toBe(PRICE + RESERVE)
    expect(await app.rows('select 1 from deputy.queue')).toEqual([])
    expect(await app.rows('select 1 from deputy.credit_holds')).toEqual([])
  })
})

describe('secrets in a dry run', () => {
  it('are left out: fields that a collection calls secret', async () => {
    const id = await newNote({ apiKey: 'k-1' })
    const { writes } = await app.rehearse((ctx) => ctx.tools.update('notes', id, { apiKey: 'k-2' }))
    expect(writes).toMatchObject([{ before: { apiKey: '[secret]' }, after: { apiKey: '[secret]' } }])
  })

  it('are left out: what the input marks, wherever the handler puts it', async () => {
    const secret = 'correct horse battery'
    const report = await app.rehearse(
      async (ctx, word) => {
        await ctx.tools.create('vaults', { content: `it is ${word}!` })
        await ctx.tools.enqueue('dev/buy', { id: word })
        return ok({ word, deep: [{ word }] })
      },
      { secret },
    )
    expect(report.outcome).toBe('would commit')
    expect(JSON.stringify(report)).not.toContain(secret)
    expect(report.writes).toMatchObject([{ after: { content: 'it is [secret]!' } }])
  })

  it('are left out: the caller’s token, and others', async () => {
    const other = await app.app.token('grace')
    const report = await app.rehearse(async (ctx) => {
      await ctx.tools.create('vaults', { content: ctx.callerJwt })
      return ok({ link: `https://example.com/?t=${other}` })
    })
    expect(report.writes).toMatchObject([{ after: { content: '[secret]' } }])
    expect(report.result).toEqual({ link: 'https://example.com/?t=[secret]' })
  })
})

describe('who may ask for a dry run, and sees what', () => {
  const table: readonly [by: string, action: 'open' | 'closed' | 'owned', code: string | undefined][] = [
    ['owner', 'open', undefined],
    ['owner', 'closed', undefined],
    ['owner', 'owned', undefined],
    ['ada', 'open', undefined],
    ['ada', 'closed', 'FORBIDDEN'],
    ['ada', 'owned', 'FORBIDDEN'],
  ]
  it.each(table)('%s, of the action %s: %s', async (by, action, code) => {
    let ran = 0
    const asked = app.ask(
      async () => {
        ran += 1
        return ok(1)
      },
      { by, action },
    )
    if (code === undefined) expect(await asked).toMatchObject({ success: true })
    else await expect(asked).rejects.toMatchObject({ code })
    expect(ran).toBe(code === undefined ? 1 : 0)
  })

  it('is refused to all where no owner is set, and says what to set', async () => {
    await using ownerless = await createTestApp({ ownerUserId: undefined })
    const caller = ownerless.createCaller({ token: await ownerless.token('owner'), dryRun: true })
    const asked = caller.actions.createEvent({ title: 'x', startsAt: new Date(0), capacity: 1 })
    await expect(asked).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('OWNER_USER_ID is not set'),
    })
  })

  it('shows others the records and fields that records would show them, and no more', async () => {
    const open = await newNote({ isPublic: true })
    const own = await newNote()
    const handler: Handler = async (ctx) => {
      await ctx.tools.create('vaults', { content: 'gold' })
      await ctx.tools.update('notes', open, { title: 'Open', draft: 'hidden', apiKey: 'k' })
      await ctx.tools.update('notes', own, { title: 'Own', draft: 'hidden' })
      await ctx.tools.sql(async () => null)
      await ctx.tools.enqueue('dev/buy', { id: 'x' })
      await ctx.tools.enqueue('own/buy', { id: 'x' })
      return ok({ answer: 'paid for' })
    }
    const report = await app.rehearse(handler, { by: 'grace' })
    expect(report).toEqual({
      outcome: 'would commit',
      writes: [
        {
          operation: 'update',
          collection: 'notes',
          recordId: open,
          before: { title: 'A Note', slug: 'a-note', version: 1, updatedAt: expect.any(Date) },
          after: { title: 'Open', slug: 'open', version: 2, updatedAt: expect.any(Date) },
        },
      ],
      isComplete: true,
      maxCost: PRICE,
      attempts: 1,
    })
    const hers = await app.rehearse(handler, { by: 'ada' })
    expect(hers.writes.map(({ recordId }) => recordId)).toEqual([open, own])
    expect(JSON.stringify([report, hers])).not.toMatch(/hidden|gold|paid for/)
  })

  it('shows others no record that the run itself would open to them', async () => {
    const secret = await newNote({ title: 'Secret' })
    const { writes } = await app.rehearse((ctx) => ctx.tools.update('notes', secret, { isPublic: true }), {
      by: 'grace',
    })
    expect(writes).toEqual([])
  })

  it('shows others a record that would be hidden from them as gone', async () => {
    const open = await newNote({ isPublic: true })
    const { writes } = await app.rehearse((ctx) => ctx.tools.update('notes', open, { isPublic: false }), {
      by: 'grace',
    })
    expect(writes).toMatchObject([{ operation: 'remove', recordId: open, after: null }])
  })

  it('shows others as who they are, not as who the run would make of them', async () => {
    const { writes } = await app.rehearse(
      async (ctx) => {
        await ctx.tools.registerUser({ isAdmin: true })
        return ctx.tools.create('vaults', { content: 'gold' })
      },
      { by: 'mallory' },
    )
    expect(writes.map(({ collection }) => collection)).toEqual(['users'])
    expect(writes[0]?.after).not.toHaveProperty('role')
  })

  it('tells others where a run stops only if they pay, and never what was read', async () => {
    const stops = async (endpoint: 'dev/buy' | 'own/buy') =>
      (await app.rehearse((ctx) => ctx.tools.integration(endpoint, { id: 'x' }), { by: 'ada' })).stoppedAt
    expect(await stops('dev/buy')).toBe('would make an outside call')
    expect(await stops('own/buy')).toBe(`would call own/buy for at most ${PRICE} micro-credits`)
    const read = await app.rehearseRead((ctx) => ctx.tools.query('vaults'), 'ada')
    expect(read).toEqual({ outcome: 'would commit', writes: [], isComplete: true, maxCost: 0, attempts: 1 })
  })

  it('tells others the failure that a real call would answer', async () => {
    const report = await app.rehearse(async () => fail('CONFLICT', 'Not today.'), { by: 'ada' })
    expect(report).toMatchObject({ outcome: 'would fail', failure: fail('CONFLICT', 'Not today.') })
  })
})

describe('a dry run', () => {
  it('takes no idempotency key', async () => {
    const caller = app.app.createCaller({
      token: await app.app.token('owner'),
      dryRun: true,
      idempotencyKey: 'k-1',
    })
    await expect(caller.actions.open({ id: app.keep(async () => ok(1)) })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('takes no Idempotency-Key'),
    })
  })

  it('is of actions alone', async () => {
    const caller = app.app.createCaller({ token: await app.app.token('owner'), dryRun: true })
    const refusal = { code: 'BAD_REQUEST', message: expect.stringContaining('Only actions have a dry run') }
    await expect(caller.records.notes.create({ data: { title: 'x' } })).rejects.toMatchObject(refusal)
    await expect(caller.users.register()).rejects.toMatchObject(refusal)
    await expect(caller.audit.list({})).rejects.toMatchObject(refusal)
  })

  it('is audited as one, with nothing written, spent or queued', async () => {
    const owner = await app.app.as('owner')
    const id = newId()
    await app.rehearse(
      async (ctx) => {
        await ctx.tools.create('vaults', { content: 'x' }, id)
        await ctx.tools.enqueue('dev/buy', { id })
        return ok(1)
      },
      { by: 'ada', secret: 'hush' },
    )
    const page = await owner.audit.list({ actor: 'ada', outcome: 'dry-run', limit: 1 })
    expect(page.success && page.data.entries).toMatchObject([
      {
        action: 'open',
        outcome: 'dry-run',
        actor: 'ada',
        writes: [],
        writeCount: 0,
        payers: [],
        cost: null,
        attempts: 1,
      },
    ])
    expect(page.success && page.data.entries[0]?.input).toContain('"secret":"[secret]"')
  })

  it('changes nothing, in no table but the audit', async () => {
    const id = await newNote()
    const before = await everyRow(app.app.database)
    const handler: Handler = async (ctx) => {
      await ctx.tools.create('vaults', { content: 'x' })
      await ctx.tools.remove('notes', id)
      await ctx.tools.registerUser({ isAdmin: true })
      await ctx.tools.enqueue('dev/buy', { id })
      return ctx.tools.integration('dev/buy', { id })
    }
    expect(await app.rehearse(handler)).toMatchObject({ outcome: 'stopped' })
    expect(await app.rehearse(handler, { answers: { 'dev/buy': ok({}) } })).toMatchObject({
      outcome: 'would commit',
    })
    expect(await everyRow(app.app.database)).toEqual(before)
  })
})
