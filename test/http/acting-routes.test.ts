import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ActionResult, actionRegistry, fail, ok } from 'deputyjs'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sweepKeys } from '../../server/lifecycle/sweeper.ts'
import { action, internalAction, type Routes } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

const BODY = z.strictObject({ title: z.string().min(1) })
const runs: string[] = []
const seen: unknown[] = []
/** What stops a handler, by the title of its event. */
const gates = new Map<string, Promise<unknown>>()
const failing = new Set<string>()

const note = internalAction.input(BODY).mutation(async ({ ctx, input: { title } }) => {
  runs.push(title)
  seen.push([ctx.userId, ctx.source, ctx.isOwner])
  await gates.get(title)
  if (failing.delete(title)) return fail('SERVICE_UNAVAILABLE', 'Not now.')
  return ctx.tools.create('events', { title, startsAt: ctx.now, capacity: 1 })
})
const look = internalAction.input(BODY).query(async () => ok({}))
const members = action.input(BODY).mutation(async () => ok({}))
const stranger = internalAction.input(BODY).mutation(async () => ok({}))

/** Whatever the body asks for, as a route might that has verified it. */
const routes: Routes = ({ act, authorize, read, respond }) =>
  new Hono()
    .post('/hooks/:name/:key', async (c) => {
      const { name, key } = c.req.param()
      const as = c.req.query('as') === 'owner' ? 'owner' : 'nobody'
      return respond(
        await act(note, await c.req.json(), { key: decodeURIComponent(key), name, as, request: c.req.raw }),
      )
    })
    .post('/unkeyed', async (c) => {
      const event = await c.req.json()
      return respond(await act(note, { title: event.title }, { key: event.id, name: 'unkeyed' }))
    })
    .post('/members', async () => respond(await act(members, { title: 'x' }, { key: 'k', name: 'members' })))
    .post('/reading', async () => respond(await act(look as never, {} as never, { key: 'k', name: 'a' })))
    .post('/elsewhere', async () =>
      respond(await act(stranger, { title: 'x' }, { key: 'k', name: 'elsewhere' })),
    )
    .get('/links/:eventId', async (c) => {
      const audit = c.req.query('audit') === 'always' ? 'always' : 'never'
      const caller = authorize(c.req.raw, { name: c.req.query('name') ?? 'link', audit })
      return respond(
        await read(caller, async (ctx) => {
          seen.push([ctx.userId, ctx.source, ctx.isOwner])
          const found = await ctx.tools.get('events', c.req.param('eventId'))
          return found.success ? ok({ title: found.data.record.data.title }) : found
        }),
      )
    })

type Options = Parameters<typeof createTestApp>[0]
const open = (options: Options = {}) =>
  createTestApp({ actions: actionRegistry({ note, look, members }), routes, ...options })
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = (await open()) as typeof app
})
afterAll(() => app[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly result: ActionResult<unknown>
}
async function send(path: string, body: unknown, of: Pick<typeof app, 'fetch'> = app): Promise<Answer> {
  const method = body === undefined ? 'GET' : 'POST'
  const init = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await of.fetch(new Request(`http://app.test${path}`, { method, ...init }))
  return { status: answer.status, result: (await answer.json()) as ActionResult<unknown> }
}
const newTitle = () => `event ${randomUUID()}`
async function countOf(title: string): Promise<number> {
  const sql = 'select count(*)::int from events where title = $1'
  return Number((await app.database.query({ sql, params: [title] })).rows[0]?.[0])
}
const auditOf = async (name: string) => {
  const listed = await (await app.as('owner')).audit.list({ action: name, limit: 5 })
  return listed.success ? listed.data.entries : []
}

describe('act', () => {
  it('runs an action once for a key and a name, and answers a repetition as before', async () => {
    const title = newTitle()
    const [key, other] = [randomUUID(), randomUUID()]
    const first = await send(`/hooks/pay/${key}`, { title })
    expect(first).toMatchObject({ status: 200, result: { success: true } })
    for (let times = 0; times < 3; times += 1)
      expect(await send(`/hooks/pay/${key}`, { title })).toEqual(first)
    expect(await countOf(title)).toBe(1)
    expect(await send(`/hooks/mail/${key}`, { title })).toMatchObject({ status: 200 })
    expect(await send(`/hooks/pay/${other}`, { title })).toMatchObject({ status: 200 })
    expect(await countOf(title)).toBe(3)
    expect(runs.filter((ran) => ran === title)).toHaveLength(3)
  })

  it('refuses a request that has no key, however its types were told that there is one', async () => {
    const title = newTitle()
    for (const id of [undefined, null, 5, ''])
      expect(await send('/unkeyed', { id, title })).toMatchObject({
        status: 400,
        result: { code: 'BAD_REQUEST', error: expect.stringMatching(/key of act/) },
      })
    expect(await countOf(title)).toBe(0)
  })

  it('is named in the log and the audit by the id of its request', async () => {
    const title = newTitle()
    await send(`/hooks/pay/${randomUUID()}`, { title })
    const lines = app.logged.filter(({ msg }) => msg === 'Call' || msg === 'Route').slice(-2)
    expect(lines.map(({ msg }) => msg)).toEqual(['Call', 'Route'])
    expect(lines[0]?.requestId).toBe(lines[1]?.requestId)
    expect((await auditOf('note'))[0]?.requestId).toBe(lines[1]?.requestId)
  })

  it('refuses another input under a key, and writes nothing', async () => {
    const [title, another] = [newTitle(), newTitle()]
    const key = randomUUID()
    await send(`/hooks/pay/${key}`, { title })
    expect(await send(`/hooks/pay/${key}`, { title: another })).toMatchObject({
      status: 422,
      result: { code: 'UNPROCESSABLE_CONTENT' },
    })
    expect(await countOf(another)).toBe(0)
  })

  it('runs one of concurrent deliveries; the others are told to come again, or what it answered', async () => {
    const title = newTitle()
    const key = randomUUID()
    gates.set(title, sleep(100))
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(`/hooks/pay/${key}`, { title })))
    const done = answers.filter(({ status }) => status === 200)
    const busy = answers.filter(({ status }) => status === 409)
    expect(done.length + busy.length).toBe(8)
    expect(done.length).toBeGreaterThan(0)
    expect(new Set(done.map(({ result }) => JSON.stringify(result))).size).toBe(1)
    for (const { result } of busy) expect(result).toMatchObject({ details: { retryAfterSeconds: 1 } })
    expect(runs.filter((ran) => ran === title)).toHaveLength(1)
    expect(await countOf(title)).toBe(1)
    expect(await send(`/hooks/pay/${key}`, { title })).toEqual(done[0])
  })

  it('runs again what has failed', async () => {
    const title = newTitle()
    const key = randomUUID()
    failing.add(title)
    expect(await send(`/hooks/pay/${key}`, { title })).toMatchObject({ status: 503 })
    expect(await countOf(title)).toBe(0)
    expect(await send(`/hooks/pay/${key}`, { title })).toMatchObject({ status: 200 })
    expect(await countOf(title)).toBe(1)
  })

  it.each([
    ['', [null, 'route', false], null],
    ['?as=owner', ['owner', 'route', true], 'owner'],
  ])('runs as no one, or as the owner where it is said (%s)', async (query, who, actor) => {
    const title = newTitle()
    expect(await send(`/hooks/pay/${randomUUID()}${query}`, { title })).toMatchObject({ status: 200 })
    expect(seen.at(-1)).toEqual(who)
    expect((await auditOf('note'))[0]).toMatchObject({
      actor,
      source: 'route',
      transport: 'internal',
      outcome: 'OK',
      writes: [['create', 'events', expect.any(String)]],
    })
  })

  it('does nothing as an owner that there is not, and says what to set', async () => {
    await using none = await open({ ownerUserId: undefined })
    const title = newTitle()
    expect(await send(`/hooks/pay/${randomUUID()}?as=owner`, { title }, none)).toMatchObject({
      status: 412,
      result: { error: expect.stringContaining('OWNER_USER_ID') },
    })
    expect(runs).not.toContain(title)
    expect(await send(`/hooks/pay/${randomUUID()}`, { title }, none)).toMatchObject({ status: 200 })
  })

  it.each([
    ['empty', ' '],
    ['too long', 'x'.repeat(256)],
    ['of other characters', 'ä'],
    ['of a list', 'a,b'],
  ])('refuses a key that is %s', async (_what, key) => {
    const title = newTitle()
    expect(await send(`/hooks/pay/${encodeURIComponent(key)}`, { title })).toMatchObject({
      status: 400,
      result: { code: 'BAD_REQUEST' },
    })
    expect(runs).not.toContain(title)
  })

  it('refuses an input as the action does', async () => {
    expect(await send(`/hooks/pay/${randomUUID()}`, { title: '' })).toMatchObject({
      status: 400,
      result: { issues: [{ path: ['title'] }] },
    })
  })

  it('runs an action for users as the owner alone', async () => {
    expect(await send('/members', {})).toMatchObject({ status: 401 })
  })

  it.each([
    ['an action that only reads', '/reading', /takes an action of the app that writes/],
    ['an action that is not registered', '/elsewhere', /takes an action of the app that writes/],
    ['a name that is none', `/hooks/Pay/${randomUUID()}`, /name of a route/],
  ])('takes %s for a mistake of the app', async (_what, path, message) => {
    expect(await send(path, { title: 'x' })).toMatchObject({ status: 500 })
    const line = app.logged.findLast(({ level }) => level === 50)
    expect(line?.err).toMatchObject({ message: expect.stringMatching(message) })
  })
})

describe('authorize', () => {
  const eventOf = async (title: string) => {
    const created = await send(`/hooks/pay/${randomUUID()}`, { title })
    return created.result.success ? (created.result.data as { recordId: string }).recordId : ''
  }

  it('lets a route read as no one, under its name', async () => {
    const title = newTitle()
    const eventId = await eventOf(title)
    expect(await send(`/links/${eventId}`, undefined)).toEqual({
      status: 200,
      result: { success: true, data: { title } },
    })
    expect(seen.at(-1)).toEqual([null, 'route', false])
    expect(await auditOf('route.link')).toEqual([])
    expect(await send('/links/none', undefined)).toMatchObject({ status: 404 })
  })

  it('leaves an audit row of each read where that is asked for', async () => {
    const eventId = await eventOf(newTitle())
    await send(`/links/${eventId}?audit=always&name=download`, undefined)
    await send(`/links/none?audit=always&name=download`, undefined)
    const rows = await auditOf('route.download')
    expect(rows.map(({ outcome }) => outcome).sort()).toEqual(['NOT_FOUND', 'OK'])
    for (const row of rows) expect(row).toMatchObject({ actor: null, source: 'route', writes: [] })
  })

  it('refuses a name that is none', async () => {
    expect(await send('/links/none?name=No%20name', undefined)).toMatchObject({ status: 500 })
  })
})

it('keys of routes live for 30 days, and those of jobs that wait as long as these', async () => {
  const title = newTitle()
  const [fresh, old] = [randomUUID(), randomUUID()]
  for (const key of [fresh, old]) await send(`/hooks/pay/${key}`, { title })
  const change = (text: string) => execute(app.database, app.databaseUrl, text)
  const ageTo = (key: string, days: number) =>
    change(
      ['claims', 'results']
        .map((table) => {
          const ended = table === 'claims' ? ", lease_until = now() - interval '1 hour'" : ''
          return `update deputy.idempotency_${table}
            set created_at = now() - interval '${days} days'${ended} where key = '${key}'`
        })
        .join(';'),
    )
  await ageTo(fresh, 29)
  await ageTo(old, 31)
  const jobs = { waits: randomUUID(), done: randomUUID(), gone: randomUUID() }
  for (const key of Object.values(jobs))
    await change(`insert into deputy.idempotency_results (token, actor, action, key, input_hash, result, created_at)
      values ('${key}', '', 'job:note', '${key}', 'hash', '{}', now() - interval '40 days')`)
  const row = (id: string, state: string) => `insert into deputy.queue
    (id, kind, lane, data, run_as, source, action, invocation, max_attempts, due_at, state)
    values ('${id}', 'job', 'job:note', '{}', 'nobody', 'later', 'x', 'x', 5, now() + interval '1 day', '${state}')`
  await change(row(jobs.waits, 'queued'))
  await change(row(jobs.done, 'done'))
  await sweepKeys(app.database)
  const left = async () => {
    const sql = 'select key from deputy.idempotency_results where key = any($1)'
    const keys = [fresh, old, ...Object.values(jobs)]
    return (await app.database.query({ sql, params: [`{${keys}}`] })).rows.map(([key]) => key).sort()
  }
  expect(await left()).toEqual([fresh, jobs.waits].sort())
  await change(`delete from deputy.queue where id = '${jobs.waits}'`)
  await sweepKeys(app.database)
  expect(await left()).toEqual([fresh])
  // What was swept up would run again; what is kept does not.
  await send(`/hooks/pay/${fresh}`, { title })
  expect(await countOf(title)).toBe(2)
})
