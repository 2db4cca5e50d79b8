import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ActionContext } from '../fixture/deputy.ts'
import { createProbe, eventData, gate, type Probe } from './probe.ts'

let probe: Probe
beforeAll(async () => {
  probe = await createProbe()
})
afterAll(() => probe[Symbol.asyncDispose]())

/** Whether the promise settles while the app does a whole call beside it. */
async function settlesMeanwhile(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = () => {
    settled = true
  }
  promise.then(note, note)
  await probe.newEvent()
  await new Promise(setImmediate)
  return settled
}

/** Runs an action that hands its context out, so that it can be used when the call is over. */
async function finished(end: () => unknown): Promise<ActionContext> {
  const escaped: ActionContext[] = []
  const outcome = probe.run(async (ctx) => {
    escaped.push(ctx)
    await ctx.tools.count('events')
    return end()
  })
  await outcome.catch(() => {})
  const [ctx] = escaped
  if (!ctx) throw new Error('The action did not run')
  return ctx
}

it('a call that was not awaited belongs to its attempt and is warned of', async () => {
  const recordId = randomUUID()
  const before = probe.logged(/await every call/).length
  const outcome = await probe.run(async (ctx) => {
    void ctx.tools.create('events', eventData(), recordId)
    return ok('done')
  })
  expect(outcome).toEqual(ok('done'))
  expect(await probe.event(recordId)).toMatchObject({ title: 'Launch' })
  expect(probe.logged(/await every call/)).toHaveLength(before + 1)
})

it('calls that follow one another without being awaited are kept all together', async () => {
  const ids = [randomUUID(), randomUUID(), randomUUID()]
  await probe.run(async (ctx) => {
    void (async () => {
      for (const id of ids) await ctx.tools.create('events', eventData(), id)
    })()
    return ok('done')
  })
  const events = await Promise.all(ids.map((id) => probe.event(id)))
  expect(events.map((event) => event?.title)).toEqual(['Launch', 'Launch', 'Launch'])
})

it('a call that was not awaited and fails in the database takes the whole attempt with it', async () => {
  const recordId = randomUUID()
  const outcome = await probe.run(async (ctx) => {
    await ctx.tools.create('events', eventData(), recordId)
    void ctx.tools.create('attendees', { eventId: randomUUID(), attendeeId: 'bob' })
    return ok('done')
  })
  expect(outcome).toMatchObject({ success: false, code: 'CONFLICT' })
  expect(await probe.event(recordId)).toBeUndefined()
})

it.each([
  ['succeeded', () => ok(1)],
  ['failed', () => fail('CONFLICT', 'No.')],
  [
    'thrown',
    () => {
      throw new Error('x')
    },
  ],
])('a tool called after its action has %s never settles and does nothing', async (_name, end) => {
  const ctx = await finished(end)
  const recordId = randomUUID()
  const late = [
    ctx.tools.create('events', eventData(), recordId),
    ctx.tools.integration('bank/too-late'),
    ctx.tools.once('too-late', () => 1),
    ctx.tools.sql(async () => 1),
  ]
  expect(await settlesMeanwhile(Promise.race(late))).toBe(false)
  expect(await probe.event(recordId)).toBeUndefined()
  expect(probe.upstream.calls('bank/too-late')).toEqual([])
  const warnings = probe.logged(/after its attempt had ended/)
  expect(warnings.filter((line) => line.invocationId === ctx.invocationId)).toHaveLength(1)
})

it("a database handle that outlives tools.sql runs nothing in another call's transaction", async () => {
  const stolen: (() => Promise<unknown>)[] = []
  await probe.run((ctx) =>
    ctx.tools.sql(async (database) => {
      stolen.push(async () => database.execute("update events set title = 'stolen'"))
      return 1
    }),
  )
  const eventId = await probe.newEvent()
  await probe.run(async (ctx) => {
    await ctx.tools.get('events', eventId)
    expect(
      await Promise.race([stolen[0]?.(), new Promise((resolve) => setImmediate(resolve, 'silence'))]),
    ).toBe('silence')
    return ctx.tools.update('events', eventId, { capacity: 7 })
  })
  expect(await probe.event(eventId)).toMatchObject({ title: 'Launch', capacity: 7 })
})

it('a call that is under way when its action throws is undone', async () => {
  const recordId = randomUUID()
  const waiting = gate()
  await probe
    .run(async (ctx) => {
      void ctx.tools.create('events', eventData(), recordId).then(waiting.open)
      throw new Error('gone')
    })
    .catch(() => {})
  expect(await settlesMeanwhile(waiting.opened)).toBe(false)
  expect(await probe.event(recordId)).toBeUndefined()
})
