import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type DoneWork, doAllDue } from '../../server/queue/dispatcher.ts'
import type { JobEntry } from '../../server/queue/list-jobs.ts'
import { type ActionContext, action, internalAction, ownerAction, roleAction } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

type Handler = (ctx: ActionContext, id: string) => Promise<ActionResult<unknown>>

const handlers = new Map<string, Handler>()
const input = z.strictObject({ id: z.string(), at: z.date().optional(), pin: z.string().meta({ secret: true }).optional() })
const handled = ({ ctx, input: { id } }: { readonly ctx: ActionContext; readonly input: { readonly id: string } }) => {
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
  .mutation(({ ctx, input: { id } }) => (handlers.get(id) as unknown as (ctx: unknown) => Promise<ActionResult<{ readonly user: string | null }>>)(ctx))
const actions = actionRegistry({ work, other, ownersWork, adminsWork, look, hidden })

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
async function runDue(): Promise<readonly (readonly [string, DoneWork['outcome']])[]> {
  return (await doAllDue(app.engine)).map(({ work: { id }, outcome }) => [id, outcome] as const)
}
async function job(id: string): Promise<JobEntry | undefined> {
  const found = await (await app.as('owner')).jobs.get({ id })
  return found.success ? found.data.job : undefined
}
const change = (text: string) => execute(app.database, app.databaseUrl, text)
const makeDue = () => change("update deputy.queue set due_at = now() where state = 'queued' and token is null")

describe('a job', () => {
  it('is run once after its action has committed, as the caller, and is known by its source', async () => {
    const seen: unknown[] = []
    const id = handle(async (ctx) => {
      seen.push([ctx.userId, ctx.source, ctx.isOwner])
      return ctx.tools.create('notes', { text: id })
    })
    const { jobId } = (await dataOf(call((ctx) => ctx.tools.later(work, { id })))) as { jobId: string }
    expect(seen).toEqual([])
    expect(await runDue()).toEqual([[jobId, { kind: 'done', cost: 0 }]])
    expect(await runDue()).toEqual([])
    expect(seen).toEqual([['ada', 'later', false]])
    expect(await job(jobId)).toMatchObject({ state: 'done', attempts: 1, as: 'caller', caller: 'ada', queuedBy: 'work' })
    const audit = await dataOf((await app.as('owner')).audit.list({ action: 'work', limit: 1 }))
    expect(audit.entries[0]).toMatchObject({ requestId: jobId, source: 'later', actor: 'ada', outcome: 'OK' })
  })
})
