import { fail, ok } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ActionContext } from '../fixture/deputy.ts'
import { createProbe, eventData, gate, type Probe } from '../invocation/probe.ts'
import { type Admin, connectAsAdmin } from './admin.ts'

let probe: Probe
let admin: Admin
beforeAll(async () => {
  probe = await createProbe()
  admin = connectAsAdmin(probe)
})
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

/** Lets two calls meet once, each in its first attempt. */
function meeting() {
  const both = gate()
  let come = 0
  return async (ctx: ActionContext) => {
    if (ctx.attempt > 1) return
    come += 1
    if (come === 2) both.open()
    await both.opened
  }
}

/** Changes a record from outside, so that whoever has read it cannot write it. */
const interfere = (eventId: string) =>
  admin.sql`update events set capacity = capacity - 1, version = version + 1 where record_id = ${eventId}`

describe('two actions that each read both records and write one', () => {
  it('leave somebody on call, twenty times out of twenty', async () => {
    for (let round = 0; round < 20; round += 1) {
      const ids = [await probe.newEvent('on call'), await probe.newEvent('on call')]
      const meet = meeting()
      const leave = (own: number) =>
        probe.run(async (ctx) => {
          const titles: string[] = []
          for (const id of ids) {
            const event = await ctx.tools.get('events', id)
            if (!event.success) return event
            titles.push(event.data.record.data.title)
          }
          await meet(ctx)
          if (titles.filter((title) => title === 'on call').length < 2)
            return fail('CONFLICT', 'The last one.')
          return ctx.tools.update('events', ids[own] ?? '', { title: 'off' })
        })
      const answers = await Promise.all([leave(0), leave(1)])
      expect(answers.map((answer) => answer.success).sort()).toEqual([false, true])
      expect(answers).toContainEqual({ success: false, code: 'CONFLICT', error: 'The last one.' })
    }
  })
})

it('a call that met a conflict takes turns on the records that it wrote by their fields', async () => {
  const [written, changed] = [await probe.newEvent(), await probe.newEvent()]
  const answer = await probe.run(async (ctx) => {
    const first = await ctx.tools.updateWhere('events', { recordId: written }, { title: 'written' })
    if (!first.success) return first
    await ctx.tools.get('events', changed)
    if (ctx.attempt === 1) await interfere(changed)
    const second = await ctx.tools.updateWhere('events', { recordId: changed }, { title: 'changed' })
    return second.success ? ok([ctx.attempt, probe.app.engine.turns.isTaken(`events/${written}`)]) : second
  })
  expect(answer).toEqual(ok([2, true]))
})

it('a deadlock is retried, and both calls succeed', async () => {
  const ids = [await probe.newEvent(), await probe.newEvent()]
  const meet = meeting()
  const touch = (order: readonly string[]) =>
    probe.run(async (ctx) => {
      for (const id of order) {
        const counted = await ctx.tools.increment('events', id, { attendeeCount: 1 })
        if (!counted.success) return counted
        await meet(ctx)
      }
      return ok(ctx.attempt)
    })
  const answers = await Promise.all([touch(ids), touch([...ids].reverse())])
  const attempts = answers.map((answer) => answer.data as number)
  expect(Math.max(...attempts)).toBeGreaterThan(1)
  expect(await Promise.all(ids.map((id) => probe.event(id)))).toMatchObject([
    { attendeeCount: 2 },
    { attendeeCount: 2 },
  ])
})

describe('COMMIT that the database refuses', () => {
  beforeAll(() =>
    admin.sql.unsafe(`
      create function refuse() returns trigger language plpgsql as $$ begin
        if new.title like 'refuse %' then raise exception using errcode = substr(new.title, 8, 5); end if;
        return null; end $$;
      create constraint trigger refuse after update on events deferrable initially deferred
        for each row execute function refuse()`),
  )
  afterAll(() => admin.sql.unsafe('drop trigger refuse on events'))

  /** Is refused with this SQLSTATE in its first attempts. */
  const refused = (eventId: string, sqlstate: string, times: number) =>
    probe.run(async (ctx) => {
      const title = ctx.attempt <= times ? `refuse ${sqlstate}` : 'kept'
      const saved = await ctx.tools.update('events', eventId, { title })
      return saved.success ? ok(ctx.attempt) : saved
    })

  it.each(['40001', '40P01', '53200', 'XX000'])('with %s is run again', async (sqlstate) => {
    const eventId = await probe.newEvent()
    expect(await refused(eventId, sqlstate, 1)).toEqual(ok(2))
    expect(await probe.event(eventId)).toMatchObject({ title: 'kept' })
  })

  it('with XX000 is not run a third time, and its cause is logged', async () => {
    const eventId = await probe.newEvent('before')
    await expect(refused(eventId, 'XX000', 2)).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
    expect(probe.logged(/unexpected error/).at(-1)).toMatchObject({ err: { sqlstate: 'XX000' } })
    expect(await probe.event(eventId)).toMatchObject({ title: 'before' })
  })

  it.each([
    ['23505', 'CONFLICT'],
    ['23514', 'BAD_REQUEST'],
    ['57014', 'GATEWAY_TIMEOUT'],
    ['53100', 'SERVICE_UNAVAILABLE'],
  ])('with %s is a %s, and nothing is kept', async (sqlstate, code) => {
    const eventId = await probe.newEvent('before')
    expect(await refused(eventId, sqlstate, 99)).toMatchObject({ success: false, code })
    expect(await probe.event(eventId)).toMatchObject({ title: 'before' })
  })
})

describe('a conflict retry', () => {
  it.each([true, false])('reuses the journal; step before the first data access: %s', async (before) => {
    const endpoint = `bank/conflict-${before}`
    const eventId = await probe.newEvent()
    let interfered = 0
    const outcome = await probe.run(async (ctx) => {
      if (!before) await ctx.tools.get('events', eventId)
      const answer = await ctx.tools.integration(endpoint, { ask: 1 })
      if (!answer.success) return answer
      await ctx.tools.get('events', eventId)
      if (interfered < 2) {
        interfered += 1
        await interfere(eventId)
      }
      const saved = await ctx.tools.update('events', eventId, { summary: JSON.stringify(answer.data) })
      return saved.success ? ok(ctx.attempt) : saved
    })
    expect(outcome).toEqual(ok(before ? 3 : 4))
    expect(probe.upstream.calls(endpoint)).toHaveLength(1)
    expect(await probe.event(eventId)).toMatchObject({ summary: '{"nth":1}', capacity: 99_998 })
  })

  it('executes no catch and no finally of the attempt that met it', async () => {
    const eventId = await probe.newEvent()
    const trace: string[] = []
    const outcome = await probe.run(async (ctx) => {
      try {
        return await ctx.tools.sql(async (database) => {
          await database.execute(sql`select * from events where record_id = ${eventId}`)
          if (ctx.attempt === 1) await interfere(eventId)
          try {
            await database.execute(sql`update events set title = 'x' where record_id = ${eventId}`)
          } catch {
            trace.push(`inner catch ${ctx.attempt}`)
          }
          return ctx.attempt
        })
      } finally {
        trace.push(`finally ${ctx.attempt}`)
      }
    })
    expect(outcome).toEqual(ok(2))
    expect(trace).toEqual(['finally 2'])
  })

  it('is made also for a call that was not awaited', async () => {
    const eventId = await probe.newEvent()
    const outcome = await probe.run(async (ctx) => {
      await ctx.tools.get('events', eventId)
      if (ctx.attempt === 1) await interfere(eventId)
      void ctx.tools.update('events', eventId, { title: 'kept' })
      return ok(ctx.attempt)
    })
    expect(outcome).toEqual(ok(2))
    expect(await probe.event(eventId)).toMatchObject({ title: 'kept' })
  })

  it('is given up with a conflict when others always come first, and writes nothing', async () => {
    const eventId = await probe.newEvent()
    let attempts = 0
    const outcome = await probe.run(async (ctx) => {
      attempts = ctx.attempt
      await ctx.tools.create('events', eventData('never'))
      await ctx.tools.get('events', eventId)
      await interfere(eventId)
      return ctx.tools.update('events', eventId, { title: 'x' })
    })
    expect(outcome).toMatchObject({ success: false, code: 'CONFLICT' })
    expect(attempts).toBe(25)
    const [left] = await admin.sql`select count(*)::int as count from events where title = 'never'`
    expect(left?.count).toBe(0)
    for (const key of [`events/${eventId}`, 'action:probe']) {
      expect(probe.app.engine.turns.isTaken(key)).toBe(false)
    }
  })
})
