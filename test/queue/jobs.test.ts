import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { type JobEntry, listJobs } from '../../server/queue/list-jobs.ts'
import { DirectReads } from '../../server/trpc/run-as-caller.ts'
import { type ActionContext, action, internalAction, ownerAction, roleAction } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

type OwnerTools = {
  grantCredits(granted: { account: string; amount: number }): Promise<ActionResult<unknown>>
}
type Handler = (ctx: ActionContext, id: string) => Promise<ActionResult<unknown>>

const handlers = new Map<string, Handler>()
const input = z.strictObject({
  id: z.string(),
  at: z.date().optional(),
  pin: z.string().meta({ secret: true }).optional(),
})
const handled = ({
  ctx,
  input: { id },
}: {
  readonly ctx: ActionContext
  readonly input: { readonly id: string }
}) => {
  const handler = handlers.get(id)
  if (!handler) throw new Error(`No handler ${id}`)
  return handler(ctx, id)
}
const work = action.input(input).mutation(handled)
const other = action.input(input).mutation(handled)
const ownersWork = ownerAction.input(input).mutation(handled)
const adminsWork = roleAction('admin').input(input).mutation(handled)
const look = action.input(input).query(async () => ok({}))
const hidden = internalAction
  .input(z.strictObject({ id: z.string() }))
  .mutation(({ ctx, input: { id } }) =>
    (
      handlers.get(id) as unknown as (ctx: unknown) => Promise<ActionResult<{ readonly user: string | null }>>
    )(ctx),
  )
const thrifty = action
  .input(input)
  .meta({ budget: { credits: 5_000 } })
  .mutation(handled)
const idle = action
  .input(input)
  .meta({ budget: { calls: 0 } })
  .mutation(handled)
const actions = actionRegistry({ work, other, thrifty, idle, ownersWork, adminsWork, look, hidden })

const open = () => createTestApp({ actions, clockOffsetMs: () => offsetMs })
let offsetMs = 0
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
})
afterAll(() => app[Symbol.asyncDispose]())

const DAY = 86_400_000

/** Has a handler run by the action that a test names, and gives its id. */
function handle(handler: Handler): string {
  const id = randomUUID()
  handlers.set(id, handler)
  return id
}
async function call(handler: Handler, userId = 'ada') {
  return (await app.as(userId)).actions.work({ id: handle(handler) })
}
async function dataOf<T>(result: Promise<ActionResult<T>>): Promise<T> {
  const settled = await result
  if (!settled.success) throw new Error(`${settled.code}: ${settled.error}`)
  return settled.data
}
/** Queues a job by a call, and gives its id. */
async function queued(handler: Handler, userId?: string): Promise<string> {
  const { jobId } = (await dataOf(call(handler, userId))) as { readonly jobId: string }
  return jobId
}
async function runDue(): Promise<readonly (readonly [string, string | undefined])[]> {
  return (await doAllDue(app.engine)).map(({ work: { id }, outcome }) => [id, outcome?.kind] as const)
}
async function job(id: string): Promise<JobEntry | undefined> {
  const found = await (await app.as('owner')).jobs.get({ id })
  return found.success ? found.data.job : undefined
}
const change = (text: string) => execute(app.database, app.databaseUrl, text)
const makeDue = () =>
  change("update deputy.queue set due_at = now() where state = 'queued' and token is null")

describe('what a job may cost', () => {
  it.each([
    ['what the app says of every action', work, DEFAULT_BUDGETS.action.credits],
    ['what the action says itself', thrifty, 5_000],
    ['nothing, of an action that may make no call', idle, 0],
  ])('is told: %s', async (_what, action, most) => {
    const id = handle(async () => ok(null))
    const jobId = await queued((ctx) => ctx.tools.later(action, { id }, { delayMs: DAY }))
    expect((await job(jobId))?.maxCostPerDay).toBe(most)
    const { jobs } = await dataOf((await app.as('owner')).jobs.list({ limit: 1 }))
    expect(jobs).toMatchObject([{ id: jobId, maxCostPerDay: most }])
    await change('delete from deputy.queue')
  })

  it('is not told where nothing limits it, or where the action is not there', async () => {
    const id = handle(async () => ok(null))
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }, { delayMs: DAY }))
    const { budgets } = app.engine
    const unlimited = { ...budgets.action, credits: undefined }
    const listed = (context: object) =>
      listJobs(new DirectReads(app.engine, 'test'), { ...app.engine, ...context }, { limit: 1 })
    const most = async (context: object) => (await dataOf(listed(context))).jobs[0]?.maxCostPerDay
    expect(await most({ budgets: { ...budgets, action: unlimited } })).toBe(budgets.app.credits)
    const wholeApp = { ...budgets.app, credits: undefined }
    expect(await most({ budgets: { ...budgets, action: unlimited, app: wholeApp } })).toBe(null)
    await change("update deputy.queue set lane = 'job:gone'")
    expect((await job(jobId))?.maxCostPerDay).toBe(null)
    await change('delete from deputy.queue')
  })
})

describe('a job', () => {
  it('is run once after its action has committed, as the caller, and is known by its source', async () => {
    const seen: unknown[] = []
    const id = handle(async (ctx) => {
      seen.push([ctx.userId, ctx.source, ctx.isOwner])
      return ctx.tools.create('analytics', { attendees: 0, events: 0, computedAt: ctx.now })
    })
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }))
    expect(seen).toEqual([])
    expect(await runDue()).toEqual([[jobId, 'done']])
    expect(await runDue()).toEqual([])
    expect(seen).toEqual([['ada', 'later', false]])
    expect(await job(jobId)).toMatchObject({
      state: 'done',
      attempts: 1,
      as: 'caller',
      caller: 'ada',
      queuedBy: 'work',
    })
    const audit = await dataOf((await app.as('owner')).audit.list({ action: 'work', limit: 1 }))
    expect(audit.entries[0]).toMatchObject({ requestId: jobId, source: 'later', actor: 'ada', outcome: 'OK' })
  })

  it('is not there when its action fails, throws, or is run dry', async () => {
    const id = handle(async () => ok({}))
    const later = (ctx: ActionContext) => ctx.tools.later(work, { id })
    await call(async (ctx) => {
      await later(ctx)
      return fail('CONFLICT', 'no')
    })
    await call(async (ctx) => {
      await later(ctx)
      await ctx.tools.later(work, { id }, { key: randomUUID() })
      throw new Error('no')
    }).catch(() => {})
    const dry = app.createCaller({ token: await app.token('owner'), dryRun: true })
    const told = await dry.actions.work({
      id: handle(async (ctx) => ctx.tools.later(work, { id, pin: '1234' }, { key: 'k' })),
    })
    expect(told).toMatchObject({
      data: {
        dryRun: { outcome: 'would commit', jobs: [{ action: 'work', as: 'caller', due: 0, input: { id } }] },
      },
    })
    expect(JSON.stringify(told)).not.toContain('1234')
    expect(await runDue()).toEqual([])
  })

  it('is one for an action that is repeated by its key, or run again after a conflict', async () => {
    const id = handle(async () => ok({}))
    const asking = handle((ctx) => ctx.tools.later(work, { id }))
    const token = await app.token('ada')
    const caller = app.createCaller({ token, idempotencyKey: randomUUID() })
    const first = await dataOf(caller.actions.work({ id: asking }))
    expect(await dataOf(caller.actions.work({ id: asking }))).toEqual(first)
    expect(await runDue()).toHaveLength(1)
  })

  it('waits for its time, and keeps dates and what is secret', async () => {
    const at = new Date(Date.now() + DAY)
    const id = handle(async () => ok({}))
    const jobId = await queued((ctx) =>
      ctx.tools.later(work, { id, at, pin: '1234' }, { delayMs: 3_600_000 }),
    )
    const atOnce = await queued((ctx) => ctx.tools.later(work, { id }, { at: new Date(0) }))
    expect(await runDue()).toEqual([[atOnce, 'done']])
    const found = await job(jobId)
    expect(found).toMatchObject({ state: 'waiting', input: { id, at: at.toISOString() } })
    expect(JSON.stringify(found)).not.toContain('1234')
    offsetMs += 3_600_001
    expect(await runDue()).toEqual([[jobId, 'done']])
    expect(await job(jobId)).toMatchObject({ state: 'done', input: { id, at: at.toISOString() } })
    const kept = await app.database.query({
      sql: 'select data from deputy.queue where id = $1',
      params: [jobId],
    })
    expect(String(kept.rows[0])).not.toContain('1234')
  })

  it('tries again what passes, and gives up what does not, or what was tried too often', async () => {
    const codes = ['TOO_MANY_REQUESTS', 'BAD_GATEWAY', 'SERVICE_UNAVAILABLE', 'GATEWAY_TIMEOUT'] as const
    for (const code of codes) {
      const id = handle(async () => fail(code, 'not now'))
      const jobId = await queued((ctx) => ctx.tools.later(work, { id }, { attempts: 2 }))
      expect(await runDue()).toEqual([[jobId, 'later']])
      await makeDue()
      expect(await runDue()).toEqual([[jobId, 'dead']])
      expect(await job(jobId)).toMatchObject({ state: 'failed', attempts: 2, lastError: `${code}: not now` })
    }
    const throwing = handle(async () => {
      throw new Error('oh')
    })
    const thrown = await queued((ctx) => ctx.tools.later(work, { id: throwing }))
    expect(await runDue()).toEqual([[thrown, 'later']])
    for (const code of [
      'BAD_REQUEST',
      'FORBIDDEN',
      'NOT_FOUND',
      'CONFLICT',
      'PRECONDITION_FAILED',
    ] as const) {
      const id = handle(async () => fail(code, 'never'))
      const jobId = await queued((ctx) => ctx.tools.later(work, { id }))
      expect(await runDue()).toEqual([[jobId, 'dead']])
    }
    await change("delete from deputy.queue where kind = 'job'")
  })

  it('that failed is run again by the owner, and goes on from the steps that it has made', async () => {
    let steps = 0
    let isBroken = true
    const id = handle(async (ctx) => {
      const made = await ctx.tools.once('step', () => {
        steps += 1
        return steps
      })
      if (isBroken) return fail('BAD_REQUEST', 'broken')
      return made
    })
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }))
    expect(await runDue()).toEqual([[jobId, 'dead']])
    isBroken = false
    await dataOf((await app.as('owner')).jobs.retry({ id: jobId }))
    expect(await runDue()).toEqual([[jobId, 'done']])
    expect(steps).toBe(1)
    expect(await (await app.as('owner')).jobs.retry({ id: jobId })).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('has no token: reading it ends the run, whatever its handler makes of that', async () => {
    const id = handle(async (ctx) => {
      try {
        return ok(ctx.callerJwt)
      } catch {
        return ok('kept on')
      }
    })
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }))
    expect(await runDue()).toEqual([[jobId, 'dead']])
    expect((await job(jobId))?.lastError).toMatch(/^PRECONDITION_FAILED: A job has no token/)
  })

  it('is decided on when it runs: gate, role, and who is blocked', async () => {
    const id = handle(async () => ok({}))
    const owner = await app.as('owner')
    const grace = await app.as('grace')
    await dataOf(grace.users.register())
    const asOwner = await queued((ctx) => ctx.tools.later(ownersWork, { id }, { as: 'owner' }), 'grace')
    const asCaller = await queued((ctx) => ctx.tools.later(ownersWork, { id }), 'grace')
    const asAdmin = await queued((ctx) => ctx.tools.later(adminsWork, { id }), 'grace')
    expect(new Map(await runDue())).toEqual(
      new Map([
        [asOwner, 'done'],
        [asCaller, 'dead'],
        [asAdmin, 'dead'],
      ]),
    )
    const asAdminNow = await queued((ctx) => ctx.tools.later(adminsWork, { id }), 'grace')
    await dataOf(owner.users.setRole({ userId: 'grace', role: 'admin' }))
    expect(await runDue()).toEqual([[asAdminNow, 'done']])
    const blocked = await queued((ctx) => ctx.tools.later(work, { id }), 'grace')
    await dataOf(owner.users.setBlocked({ userId: 'grace', blocked: true } as never))
    expect(await runDue()).toEqual([[blocked, 'dead']])
    expect((await job(blocked))?.lastError).toMatch(/^FORBIDDEN: This user is blocked/)
  })

  it('of an action that this server does not have is left to one that has it', async () => {
    const id = handle(async () => ok({}))
    const jobId = await queued((ctx) => ctx.tools.later(other, { id }))
    const { engine } = app.deploy(actionRegistry({ work }))
    expect(await doAllDue(engine)).toEqual([])
    expect(await runDue()).toEqual([[jobId, 'done']])
  })

  it('whose servers all ended is not begun again beyond its attempts', async () => {
    let runs = 0
    const id = handle(async () => {
      runs += 1
      return ok({})
    })
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }, { attempts: 3 }))
    await change(`update deputy.queue set attempts = 3, token = 'gone', due_at = now() where id = '${jobId}'`)
    expect(await runDue()).toEqual([[jobId, 'dead']])
    expect(runs).toBe(0)
  })

  it('tells how far it is, at the latest when it has ended', async () => {
    const id = handle(async (ctx) => ctx.tools.progress({ done: 3, total: 10, note: 'three' }))
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }))
    await runDue()
    await expect.poll(async () => (await job(jobId))?.progress).toEqual({ done: 3, total: 10, note: 'three' })
    expect(await call((ctx) => ctx.tools.progress({ done: 1 }))).toMatchObject({ success: true })
    expect(await call((ctx) => ctx.tools.progress({ done: -1 }))).toMatchObject({ code: 'BAD_REQUEST' })
  })
})

describe('a key', () => {
  it('makes a job unique while it waits: a second one is the first, or takes its place', async () => {
    const [one, two] = [handle(async () => ok({})), handle(async () => ok({}))]
    const key = randomUUID()
    const first = await queued((ctx) => ctx.tools.later(work, { id: one }, { key, delayMs: DAY }))
    expect(await queued((ctx) => ctx.tools.later(work, { id: two }, { key }))).toBe(first)
    expect(await job(first)).toMatchObject({ input: { id: one } })
    const elsewhere = await queued((ctx) => ctx.tools.later(other, { id: one }, { key }))
    expect(elsewhere).not.toBe(first)
    const replaced = await queued(
      (ctx) => ctx.tools.later(work, { id: two }, { key, onDuplicate: 'replace' }),
      'bob',
    )
    expect(replaced).toBe(first)
    expect(await job(first)).toMatchObject({ input: { id: two }, caller: 'bob' })
    expect(new Map(await runDue())).toEqual(
      new Map([
        [first, 'done'],
        [elsewhere, 'done'],
      ]),
    )
    const second = await queued((ctx) => ctx.tools.later(work, { id: one }, { key }))
    expect(second).not.toBe(first)
    expect(await runDue()).toEqual([[second, 'done']])
  })

  it('is free again once the job is begun, so that what comes then is seen by a job', async () => {
    const key = randomUUID()
    const inner: string[] = []
    const id = handle(async (ctx) => {
      if (inner.length === 0) {
        const again = await ctx.tools.later(work, { id }, { key })
        if (again.success) inner.push(again.data.jobId)
      }
      return ok({})
    })
    const first = await queued((ctx) => ctx.tools.later(work, { id }, { key }))
    expect(await runDue()).toEqual([
      [first, 'done'],
      [inner[0], 'done'],
    ])
    expect(inner[0]).not.toBe(first)
  })
})

describe('a key of a job that waits for another attempt', () => {
  const failing = async () => {
    const runs: string[] = []
    let isBroken = true
    const id = handle(async (ctx) => {
      runs.push('old')
      return isBroken ? fail('BAD_GATEWAY', 'not now') : ctx.tools.progress({ done: 1 })
    })
    const key = randomUUID()
    const first = await queued((ctx) => ctx.tools.later(work, { id }, { key }))
    expect(await runDue()).toEqual([[first, 'later']])
    isBroken = false
    return { first, key, id, runs }
  }

  it('is held again: a second one is the first', async () => {
    const { first, key, id, runs } = await failing()
    expect(await queued((ctx) => ctx.tools.later(work, { id }, { key }))).toBe(first)
    await makeDue()
    expect(await runDue()).toEqual([[first, 'done']])
    expect(runs).toEqual(['old', 'old'])
  })

  it('gives its place to what replaces it, which begins afresh', async () => {
    const { first, key, runs } = await failing()
    const other = handle(async () => {
      runs.push('new')
      return ok({})
    })
    const second = await queued((ctx) =>
      ctx.tools.later(work, { id: other }, { key, onDuplicate: 'replace' }),
    )
    expect(second).not.toBe(first)
    await makeDue()
    expect(await runDue()).toEqual([[second, 'done']])
    expect(runs).toEqual(['old', 'new'])
    expect(await job(first)).toBeUndefined()
    expect(await job(second)).toMatchObject({ attempts: 1 })
  })

  it('stays with a job that was queued while it was at work', async () => {
    const key = randomUUID()
    const inner: string[] = []
    const id = handle(async () => {
      if (inner.length > 0) return ok({})
      inner.push(await queued((ctx) => ctx.tools.later(work, { id }, { key, delayMs: DAY }), 'bob'))
      return fail('BAD_GATEWAY', 'not now')
    })
    const first = await queued((ctx) => ctx.tools.later(work, { id }, { key }))
    // There is one connection, and the job has not opened its transaction.
    expect(await runDue()).toEqual([[first, 'later']])
    expect(await queued((ctx) => ctx.tools.later(work, { id }, { key }))).toBe(inner[0])
    await makeDue()
    expect((await runDue()).length).toBe(2)
  })
})

describe('another version of the app', () => {
  it('is left what this one does not take, and what it shows is nothing that this one cannot judge', async () => {
    const id = handle(async () => ok({}))
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }))
    await change(`update deputy.queue set data = '{"json":{"id":"x","language":"de"}}' where id = '${jobId}'`)
    expect(await runDue()).toEqual([[jobId, 'later']])
    expect((await job(jobId))?.lastError).toMatch(/^SERVICE_UNAVAILABLE: .*does not take the input.*language/)
    await change(
      `update deputy.queue set lane = 'job:newer', data = '{"json":{"pin":"1234"}}' where id = '${jobId}'`,
    )
    expect(await job(jobId)).toMatchObject({ action: 'newer', input: null })
    await change(`delete from deputy.queue where id = '${jobId}'`)
  })
})

describe('cancel', () => {
  it('cancels a job that waits in the same transaction, and says what it cannot cancel', async () => {
    const id = handle(async () => ok({}))
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }))
    await call(async (ctx) => {
      await ctx.tools.cancel(jobId)
      return fail('CONFLICT', 'no')
    })
    expect(await job(jobId)).toMatchObject({ state: 'waiting' })
    expect(await call((ctx) => ctx.tools.cancel(jobId))).toMatchObject({ data: { jobId } })
    expect(await call((ctx) => ctx.tools.cancel(jobId))).toMatchObject({ code: 'NOT_FOUND' })
    const own = await call(async (ctx) => {
      const made = await ctx.tools.later(work, { id })
      return made.success ? ctx.tools.cancel(made.data.jobId) : made
    })
    expect(own).toMatchObject({ success: true })
    expect(await runDue()).toEqual([])
  })

  it('finds a job done that has committed, though its server died before it could note that', async () => {
    const id = handle(async () => ok({}))
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }))
    await runDue()
    await change(
      `update deputy.queue set state = 'queued', token = 'gone', due_at = now(), ended_at = null where id = '${jobId}'`,
    )
    expect(await call((ctx) => ctx.tools.cancel(jobId))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await (await app.as('owner')).jobs.cancel({ id: jobId })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await runDue()).toEqual([[jobId, 'done']])
  })

  it('leaves a job alone that is running', async () => {
    let answer: unknown
    const id = handle(async () => {
      answer = await call((ctx) => ctx.tools.cancel(jobId), 'bob')
      return ok({})
    })
    const jobId = await queued((ctx) => ctx.tools.later(work, { id }))
    if (app.database.kind === 'pglite') return void (await runDue())
    await runDue()
    expect(answer).toMatchObject({ code: 'CONFLICT', details: { retryAfterSeconds: 5 } })
  })
})

describe('what later refuses', () => {
  const id = 'x'
  it.each<[string, Handler, string, RegExp]>([
    [
      'what is no action',
      (ctx) => ctx.tools.later({} as never, {} as never),
      'BAD_REQUEST',
      /is no action of this app/,
    ],
    [
      'an action that only reads',
      (ctx) => ctx.tools.later(look as never, { id } as never),
      'BAD_REQUEST',
      /only reads/,
    ],
    [
      'an input that the action refuses',
      (ctx) => ctx.tools.later(work, { id: 1 as never }),
      'BAD_REQUEST',
      /"work": id/,
    ],
    ['an unknown key', (ctx) => ctx.tools.later(work, { id, wrong: 1 } as never), 'BAD_REQUEST', /wrong/],
    [
      'a large input',
      (ctx) => ctx.tools.later(work, { id: 'x'.repeat(300_000) }),
      'PAYLOAD_TOO_LARGE',
      /262144/,
    ],
    [
      'an unknown option',
      (ctx) => ctx.tools.later(work, { id }, { delay: 1 } as never),
      'BAD_REQUEST',
      /delay/,
    ],
    [
      'both times',
      (ctx) => ctx.tools.later(work, { id }, { at: new Date(), delayMs: 1 }),
      'BAD_REQUEST',
      /not both/,
    ],
    [
      'a time that is none',
      (ctx) => ctx.tools.later(work, { id }, { at: new Date(Number.NaN) }),
      'BAD_REQUEST',
      /at: must be a date/,
    ],
    ['a negative delay', (ctx) => ctx.tools.later(work, { id }, { delayMs: -1 }), 'BAD_REQUEST', /delayMs/],
    ['attempts', (ctx) => ctx.tools.later(work, { id }, { attempts: 0 }), 'BAD_REQUEST', /attempts/],
    [
      'a replacement without a key',
      (ctx) => ctx.tools.later(work, { id }, { onDuplicate: 'keep' }),
      'BAD_REQUEST',
      /with a key alone/,
    ],
    [
      'credits by a user',
      (ctx) => (ctx.tools as unknown as OwnerTools).grantCredits({ account: 'ada', amount: 1 }),
      'FORBIDDEN',
      /ownerAction or an internalAction/,
    ],
  ])('%s', async (_what, handler, code, message) => {
    const refused = await call(handler)
    expect(refused).toMatchObject({ success: false, code })
    expect(refused.error).toMatch(message)
  })
})

describe('an internal action', () => {
  it('is there for no client: not in process, not over tRPC, not over REST, whoever calls', async () => {
    const url = await app.listen()
    const token = await app.token('owner')
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const caller = (await app.as('owner')) as unknown as {
      actions: Record<string, (input: unknown) => Promise<unknown>>
    }
    await expect(caller.actions.hidden?.({ id: 'x' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    for (const path of [
      '/api/actions/hidden',
      '/trpc/actions.hidden',
      '/trpc/actions.hidden,actions.hidden?batch=1',
    ]) {
      const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: '{"id":"x"}' })
      const text = await answer.text()
      expect([path, answer.status]).toEqual([path, 404])
      expect(text).not.toContain('"hidden" is')
    }
  })

  it('runs as no one, as the user or as the owner, with the same guarantees', async () => {
    const seen: unknown[] = []
    const id = handle((async (ctx: ActionContext) => {
      seen.push([ctx.userId, ctx.source, ctx.isOwner, await ctx.role()])
      return ok({})
    }) as Handler)
    await queued((ctx) => ctx.tools.later(hidden, { id }))
    await runDue()
    await queued((ctx) => ctx.tools.later(hidden, { id }, { as: 'owner' }))
    await runDue()
    expect(seen).toEqual([
      ['ada', 'later', false, 'member'],
      ['owner', 'later', true, 'admin'],
    ])
  })

  it('grants credits once, right after its commit', async () => {
    const account = randomUUID()
    const id = handle((async (ctx: { readonly tools: OwnerTools }) =>
      ctx.tools.grantCredits({ account, amount: 500 })) as unknown as Handler)
    const jobId = await queued((ctx) => ctx.tools.later(hidden, { id }))
    expect((await runDue()).map(([, outcome]) => outcome)).toEqual(['done', 'done'])
    expect(await job(jobId)).toMatchObject({ state: 'done' })
    const balance = await dataOf((await app.as('owner')).credits.balance({ account }))
    expect(balance).toMatchObject({ available: 500 })
  })
})
