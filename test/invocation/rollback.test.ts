import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProbe, eventData, type Handler, type Probe } from './probe.ts'

let probe: Probe
beforeAll(async () => {
  probe = await createProbe()
})
afterAll(() => probe[Symbol.asyncDispose]())

/** Writes an event, then does the rest; tells what the call came to and whether the event is there. */
async function writeAnd(rest: Handler) {
  const recordId = randomUUID()
  const outcome = await probe
    .run(async (ctx) => {
      const created = await ctx.tools.create('events', eventData(), recordId)
      return created.success ? rest(ctx) : created
    })
    .catch((error: unknown) => error)
  return { outcome, event: await probe.event(recordId) }
}

describe('an action that fails', () => {
  it('writes nothing when it throws', async () => {
    const { outcome, event } = await writeAnd(() => Promise.reject(new Error('secret cause')))
    expect(outcome).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
    expect(String(outcome)).not.toContain('secret cause')
    expect(probe.logged(/unexpected error/).at(-1)).toMatchObject({ err: { message: 'secret cause' } })
    expect(event).toBeUndefined()
  })

  it('writes nothing when it returns a failure', async () => {
    const { outcome, event } = await writeAnd(async () => fail('CONFLICT', 'No.'))
    expect(outcome).toEqual({ success: false, code: 'CONFLICT', error: 'No.' })
    expect(event).toBeUndefined()
  })

  it.each([
    ['undefined', undefined],
    ['text', 'ok'],
    ['an object without success', { data: 1 }],
    ['success that is no boolean', { success: 'true', data: 1 }],
    ['NaN', ok({ n: Number.NaN })],
    ['a Map', ok(new Map())],
    ['a function', ok({ f: () => 1 })],
    ['an invalid date', ok(new Date(Number.NaN))],
    [
      'what throws when it is read',
      ok({
        get trap(): never {
          throw new Error('trap')
        },
      }),
    ],
  ])('writes nothing and is a 500 when it returns %s', async (_name, value) => {
    const { outcome, event } = await writeAnd(async () => value)
    expect(outcome).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
    expect(event).toBeUndefined()
    // The connection went back: were it lost, the embedded database would answer nothing more.
    expect(await probe.run(async (ctx) => ctx.tools.count('events'))).toMatchObject({ success: true })
  })
})

describe('a failure that Postgres has seen', () => {
  const violate: Handler = (ctx) =>
    ctx.tools.create('attendees', { eventId: randomUUID(), attendeeId: 'bob' })

  it('ends the call with it even when the action goes on and returns success', async () => {
    let later: unknown
    const { outcome, event } = await writeAnd(async (ctx) => {
      await violate(ctx)
      later = await ctx.tools.create('events', eventData())
      return ok('all is well')
    })
    expect(outcome).toMatchObject({ success: false, code: 'CONFLICT' })
    expect(later).toEqual(outcome)
    expect(event).toBeUndefined()
  })

  it('answers an outside call too, and nothing is sent', async () => {
    let answers: unknown[] = []
    const { outcome } = await writeAnd(async (ctx) => {
      const failed = await violate(ctx)
      answers = [failed, await ctx.tools.integration('bank/poisoned'), await ctx.tools.once('x', () => 1)]
      return ok('all is well')
    })
    expect(answers).toEqual([outcome, outcome, outcome])
    expect(probe.upstream.calls('bank/poisoned')).toEqual([])
  })

  it('commits nothing when it was caught inside tools.sql', async () => {
    const { outcome, event } = await writeAnd(async (ctx) =>
      ctx.tools.sql(async (database) => {
        await database.execute(sql`select 1 / 0`).catch(() => {})
        return 'caught'
      }),
    )
    expect(outcome).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect(event).toBeUndefined()
  })
})

it('commits what was written when a failure was decided without an SQL error', async () => {
  const { outcome, event } = await writeAnd(async (ctx) => {
    const missing = await ctx.tools.get('events', randomUUID())
    const invalid = await ctx.tools.update('events', 'x', {})
    return ok([missing.success, invalid.success])
  })
  expect(outcome).toEqual(ok([false, false]))
  expect(event).toMatchObject({ title: 'Launch' })
})

it('keeps a query from writing, whatever way it takes', async () => {
  const eventId = await probe.newEvent('before')
  const answer = await probe.read((ctx) =>
    ctx.tools.sql((database) => database.execute(sql`update events set title = 'after'`)),
  )
  expect(answer).toMatchObject({ success: false, code: 'METHOD_NOT_SUPPORTED' })
  expect(await probe.read(async (ctx) => ok(Object.keys(ctx.tools).sort()))).toEqual(
    ok(['count', 'get', 'query', 'sql']),
  )
  expect(await probe.event(eventId)).toMatchObject({ title: 'before' })
})
