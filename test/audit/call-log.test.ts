// limits.md: audit-log

import { randomUUID } from 'node:crypto'
import { actionRegistry, defineSchedules, fail, ok } from 'deputyjs'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { erase } from '../../server/audit/erase.ts'
import { NamedActions } from '../../server/builders/named-actions.ts'
import { resolveSchedules } from '../../server/builders/schedules.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { syncSchedules } from '../../server/queue/schedule-rows.ts'
import { type ActionContext, action, internalAction, ownerAction, type Routes } from '../fixture/deputy.ts'
import { post } from '../http/send.ts'
import { createTestApp } from '../support/test-app.ts'

type Log = ActionContext['log']
const WAYS = ['writes', 'fails', 'throws', 'conflicts', 'is run again', 'cannot be stored'] as const
const input = z.strictObject({ id: z.string(), how: z.string() })
/** What a handler logs, by its id. */
const writers = new Map<string, (log: Log) => void>()

const does = async (
  { log, attempt, now, tools }: Pick<ActionContext, 'log' | 'attempt' | 'now' | 'tools'>,
  { id, how }: z.output<typeof input>,
) => {
  log.info({ id, attempt }, `It ${how}`)
  writers.get(id)?.(log)
  switch (how) {
    case 'fails':
      return fail('PAYMENT_REQUIRED', 'No.')
    case 'throws':
      throw new Error('for a reason')
    case 'conflicts':
      return tools.sql(async (database) => {
        await database.execute(`do $$ begin raise exception 'again' using errcode = '40001'; end $$`)
        return ok(null)
      })
    case 'cannot be stored':
      return tools.create('events', { title: 'x', startsAt: now, capacity: -1 })
    case 'is run again': {
      await tools.create('events', { title: 'x', startsAt: now, capacity: 1 })
      await tools.once('outside', () => 'done')
      return ok(null)
    }
    default:
      return tools.create('events', { title: 'x', startsAt: now, capacity: 1 })
  }
}
const internal = internalAction.input(input).mutation(({ ctx, input }) => does(ctx, input))
const actions = actionRegistry({
  act: action
    .input(input)
    .meta({ agent: { description: 'Acts.' } })
    .mutation(({ ctx, input }) => does(ctx, input)),
  look: action
    .input(input)
    .meta({ audit: 'always' })
    .query(async ({ ctx, input }) => {
      ctx.log.info({ id: input.id, attempt: ctx.attempt }, `It ${input.how}`)
      return ok(null)
    }),
  once: action.input(input).mutation(async ({ ctx: { log, now, tools }, input }) => {
    log.info({ id: input.id }, 'It goes out')
    await tools.once('first', () => 'done')
    await tools.create('events', { title: 'x', startsAt: now, capacity: 1 })
    await tools.once('second', () => 'done')
    await tools.once('third', () => {
      if (input.how === 'breaks') throw new Error('broken')
      return 'done'
    })
    return ok(null)
  }),
  queues: ownerAction
    .input(input)
    .mutation(({ ctx, input }) => ctx.tools.later(internal, input, { attempts: 1 })),
  internal,
})
const routes: Routes = ({ act, respond }) =>
  new Hono().post('/hooks', async (c) => {
    const body = input.parse(await c.req.json())
    return respond(await act(internal, body, { key: body.id, name: 'hooks' }))
  })
const SCHEDULED = randomUUID()
const declared = defineSchedules({
  nightly: { cron: '0 3 * * *', action: internal, input: { id: SCHEDULED, how: 'writes' } },
})

const open = async () =>
  createTestApp({
    actions,
    routes,
    schedules: await resolveSchedules(declared, new NamedActions(actions)),
  })
let app: Awaited<ReturnType<typeof open>>
let url: string
beforeAll(async () => {
  app = await open()
  url = await app.listen()
  await syncSchedules(app.engine)
  await (await app.as('boss')).users.register()
  await (await app.as('owner')).users.setRole({ userId: 'boss', role: 'admin' })
})
afterAll(() => app[Symbol.asyncDispose]())

const send = async (
  path: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
  user = 'ada',
) => (await post(`${url}${path}`, { token: await app.token(user), headers, body: JSON.stringify(body) })).json

/** The audit of the one call that logged this id. */
async function auditOf(id: string, reader = 'owner') {
  const line = app.logged.find((each) => each.id === id)
  const found = await (await app.as(reader)).audit.get({ id: String(line?.invocationId) })
  if (!found.success) throw new Error(found.error)
  return found.data
}

/** What a call that logs so has kept. */
async function keptOf(writes: (log: Log) => void) {
  const id = randomUUID()
  writers.set(id, writes)
  const done = await (await app.as('ada')).actions.act({ id, how: 'writes' })
  expect(done).toMatchObject({ success: true })
  const { log } = await auditOf(id)
  return { leftOut: log?.leftOut, lines: log?.lines.slice(1) ?? [] }
}

describe('the lines that a call logs are kept', () => {
  it.each(WAYS)('of one that %s', async (how) => {
    const id = randomUUID()
    await (await app.as('ada')).actions.act({ id, how }).catch(() => undefined)
    const { entry, log } = await auditOf(id)
    expect(log?.lines[0]).toMatchObject({ level: 'info', message: `It ${how}`, attempt: 1 })
    const written = app.logged.filter((each) => each.invocationId === entry.id && each.msg !== 'Call')
    expect(log?.lines.map(({ message }) => message)).toEqual(written.map(({ msg }) => msg))
    expect(log?.lines.map(({ at }) => at.getTime())).toEqual(written.map(({ time }) => time))
    expect(log?.leftOut).toBe(0)
  })

  it.each([
    ['REST', (id: string) => send('/api/actions/act', { id, how: 'writes' })],
    ['tRPC', (id: string) => send('/trpc/actions.act', { json: { id, how: 'writes' } })],
    [
      'a dry run',
      (id: string) => send('/api/actions/act', { id, how: 'writes' }, { 'deputy-dry-run': 'true' }, 'owner'),
    ],
    [
      'a call with a key',
      (id: string) => send('/api/actions/act', { id, how: 'writes' }, { 'idempotency-key': id }),
    ],
    [
      'the owner as another user',
      (id: string) => send('/api/actions/act', { id, how: 'writes' }, { 'deputy-act-as': 'ada' }, 'owner'),
    ],
    ['a query that is always audited', (id: string) => send('/api/actions/look', { id, how: 'reads' })],
    ['a route that acts', (id: string) => send('/hooks', { id, how: 'writes' })],
    [
      'an agent',
      (id: string) => {
        const params = { name: 'act', arguments: { id, how: 'writes' } }
        const headers = { accept: 'application/json, text/event-stream' }
        return send('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, headers)
      },
    ],
    [
      'a job',
      async (id: string) => {
        await (await app.as('owner')).actions.queues({ id, how: 'writes' })
        await doAllDue(app.engine)
      },
    ],
    [
      'a job that fails',
      async (id: string) => {
        await (await app.as('owner')).actions.queues({ id, how: 'fails' })
        await doAllDue(app.engine)
      },
    ],
  ] as const)('of %s', async (_call, make) => {
    const id = randomUUID()
    await make(id)
    const { log } = await auditOf(id)
    expect(log?.lines[0]).toMatchObject({
      level: 'info',
      message: expect.stringMatching(/^It (?:writes|reads|fails)$/),
      fields: JSON.stringify({ id, attempt: 1 }),
      attempt: 1,
    })
  })

  it('of a schedule', async () => {
    await (await app.as('owner')).schedules.runNow({ name: 'nightly' })
    await doAllDue(app.engine)
    expect(await auditOf(SCHEDULED)).toMatchObject({
      entry: { source: 'schedule' },
      log: { lines: [{ message: 'It writes' }] },
    })
  })

  it('of all runs of the handler, each with its run', async () => {
    const [again, never] = [randomUUID(), randomUUID()]
    const ada = await app.as('ada')
    await ada.actions.act({ id: again, how: 'is run again' })
    expect((await auditOf(again)).log?.lines.map(({ attempt, fields }) => [attempt, fields])).toEqual(
      [1, 2].map((attempt) => [attempt, JSON.stringify({ id: again, attempt })]),
    )
    await ada.actions.act({ id: never, how: 'conflicts' })
    const { entry, log } = await auditOf(never)
    expect(entry).toMatchObject({ outcome: 'CONFLICT', attempts: 25 })
    expect(log?.lines.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 25 }, (_, nth) => nth + 1))
  })

  it('with what the server says of it: why it failed', async () => {
    const id = randomUUID()
    await (await app.as('ada')).actions.act({ id, how: 'throws' }).catch(() => undefined)
    const [, failed] = (await auditOf(id)).log?.lines ?? []
    expect(failed).toMatchObject({ level: 'error', message: 'An action failed with an unexpected error' })
    expect(JSON.parse(failed?.fields ?? '')).toMatchObject({ err: { message: 'for a reason' } })
  })

  it('whatever they hold', async () => {
    const circular: Record<string, unknown> = { name: 'round' }
    circular.self = circular
    const kept = await keptOf((log) => {
      log.warn({ level: 'gold', time: 'noon', action: 'mine', msg: 'hidden', __proto__: null }, 'named alike')
      log.error(new Error('broken', { cause: new TypeError('deeper') }))
      log.info({ circular, big: 5n, at: new Date(0), none: undefined, not: Number.NaN, run() {} }, 'odd')
      log.info({ '"quoted\u0000': '\u0000', lone: '\ud800' }, 'NUL \u0000, lone \udfff, ”, 🦆')
      log.child({ room: 7 }, { msgPrefix: 'Room: ' }).info('%s has %d', 'Ada', 2)
      log.info({ amount: 3 })
      log.debug('low')
      log.trace('too low for the level')
      log.fatal('high')
    })
    expect(kept.leftOut).toBe(0)
    expect(kept.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'named alike'],
      ['error', 'broken'],
      ['info', 'odd'],
      ['info', 'NUL \u0000, lone \udfff, ”, 🦆'],
      ['info', 'Room: Ada has 2'],
      ['info', ''],
      ['debug', 'low'],
      ['fatal', 'high'],
    ])
    const [alike, error, odd, strange, child, , low] = kept.lines.map(({ fields }) =>
      JSON.parse(fields ?? 'null'),
    )
    expect(alike).toEqual({ level: 'gold', time: 'noon', action: 'mine' })
    expect(error).toMatchObject({ err: { type: 'Error', message: expect.stringContaining('broken') } })
    expect(odd).toMatchObject({ at: '1970-01-01T00:00:00.000Z', not: null, circular: { name: 'round' } })
    expect(strange).toEqual({ '"quoted\u0000': '\u0000', lone: '\ud800' })
    expect(child).toEqual({ room: 7 })
    expect(low).toBeNull()
  })

  it('and those that cannot be read again are counted, and cost the call nothing', async () => {
    const nested = `${'['.repeat(500)}${']'.repeat(500)}`
    const kept = await keptOf((log) => {
      const levels = {
        customLevels: { notice: 35 },
        formatters: { level: (label: string) => ({ severity: label }) },
      }
      log.child({}, levels).notice('of another form')
      log.info({ nested: JSON.parse(nested) }, 'deep')
    })
    expect(kept.lines.map(({ message }) => message)).toEqual(['deep'])
    expect(kept.leftOut).toBe(1)
  })

  it('as far as a call may have them: long ones are cut, and of many the first and the newest stay', async () => {
    const text = 'x'.repeat(1_000_000)
    const long = await keptOf((log) => {
      log.info({ text }, 'fields')
      log.info(text)
    })
    expect(long.leftOut).toBe(0)
    expect(long.lines.map(({ message, fields }) => [message, fields])).toEqual([
      ['fields', `${JSON.stringify({ text }).slice(0, 4_000)}…`],
      [`${text.slice(0, 4_000)}…`, null],
    ])
    const many = await keptOf((log) => {
      for (let nth = 1; nth <= 1_000; nth += 1) log.info(String(nth))
    })
    // One line more is the handler's own.
    expect(many.leftOut).toBe(901)
    const numbers = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, nth) => String(from + nth))
    expect(many.lines.map(({ message }) => message)).toEqual([...numbers(1, 49), ...numbers(951, 1_000)])
    const wide = await keptOf((log) => {
      for (let nth = 1; nth <= 20; nth += 1) log.info(`${nth} ${'y'.repeat(3_000)}`)
    })
    expect(wide.leftOut).toBe(20 - wide.lines.length)
    expect(wide.lines.map(({ message }) => Number.parseInt(message, 10))).toEqual([1, 2, 3, 4, 5, 20])
  })
})

describe('the once steps of a call', () => {
  it('are told where it performed them itself: how each ended, and in which run', async () => {
    const [id, key] = [randomUUID(), randomUUID()]
    const ada = app.createCaller({ token: await app.token('ada'), idempotencyKey: key })
    await expect(ada.actions.once({ id, how: 'breaks' })).rejects.toThrow()
    const broken = await auditOf(id)
    expect(broken.once).toMatchObject([
      { key: 'first', outcome: 'answered', attempt: 1 },
      { key: 'second', outcome: 'answered', attempt: 1 },
      { key: 'third', outcome: 'failed', attempt: 2 },
    ])
    expect(broken.once?.every(({ at, durationMs }) => at instanceof Date && durationMs >= 0)).toBe(true)
    app.logged.length = 0
    // The same call again: the others are answered from the journal.
    await ada.actions.once({ id, how: 'breaks' }).catch(() => undefined)
    expect((await auditOf(id)).once).toMatchObject([{ key: 'third', outcome: 'failed' }])
  })

  it('are told of no dry run, which performs none', async () => {
    const id = randomUUID()
    const answers = { 'once:first': ok('done'), 'once:second': ok('done') }
    await app.createCaller({ token: await app.token('owner'), dryRun: { answers } }).actions.once({
      id,
      how: 'works',
    })
    expect(await auditOf(id)).toMatchObject({ entry: { outcome: 'dry-run' }, once: [] })
  })
})

describe('the log of a call', () => {
  it('is the owner’s: an admin, and the owner as one, see neither it nor what once was called', async () => {
    const id = randomUUID()
    await (await app.as('ada')).actions.act({ id, how: 'is run again' })
    const line = app.logged.find((each) => each.id === id)
    expect(await auditOf(id, 'boss')).toMatchObject({
      entry: { id: line?.invocationId },
      log: null,
      once: null,
    })
    const address = `${url}/api/audit/${line?.invocationId}`
    const headers = { authorization: `Bearer ${await app.token('owner')}`, 'deputy-act-as': 'boss' }
    const acted = await (await fetch(address, { headers })).json()
    expect(acted).toMatchObject({ success: true, data: { log: null, once: null } })
    const listed = await (await app.as('owner')).audit.list({ actor: 'ada', limit: 200 })
    expect(JSON.stringify(listed)).not.toContain('It is run again')
  })

  it('is erased with what is personal of its caller', async () => {
    const id = randomUUID()
    await (await app.as('eve')).actions.act({ id, how: 'is run again' })
    expect(await auditOf(id)).toMatchObject({ log: { lines: [{}, {}] }, once: [{ key: 'outside' }] })
    await erase(app.database, { userId: 'eve', clock: () => new Date() })
    expect(await auditOf(id)).toMatchObject({
      entry: { input: null },
      log: { lines: [], leftOut: 0 },
      once: [],
    })
  })

  it('is not kept where the app does not want it, and is in the log all the same', async () => {
    await using off = await createTestApp({ actions, keepsLog: false })
    const id = randomUUID()
    const made = await (await off.as('ada')).actions.act({ id, how: 'writes' })
    expect(made).toMatchObject({ success: true })
    const line = off.logged.find((each) => each.id === id)
    const read = await (await off.as('owner')).audit.get({ id: String(line?.invocationId) })
    expect(read).toMatchObject({ data: { entry: { action: 'act' }, log: { lines: [], leftOut: 0 } } })
  })

  it('is empty where a call has written nothing', async () => {
    await (await app.as('quiet')).users.register()
    const entries = (await (await app.as('owner')).audit.list({ actor: 'quiet' })).data?.entries
    const read = await (await app.as('owner')).audit.get({ id: entries?.[0]?.id ?? '' })
    expect(read).toMatchObject({ data: { log: { lines: [], leftOut: 0 }, once: [] } })
    const { rows } = await app.database.query({
      sql: `select log, once from deputy.audit_detail where actor = 'quiet'`,
      params: [],
    })
    expect(rows).toEqual([[null, null]])
  })
})
