import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ErrorContext, type ErrorHook, ErrorReports } from '../../server/core/error-reports.ts'
import { SqlError } from '../../server/db/database.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { get, post } from '../http/send.ts'
import { eventData } from '../invocation/probe.ts'
import { openObservedApp } from './observed-app.ts'

const told: { readonly error: Error; readonly context: ErrorContext }[] = []
const onError = (error: Error, context: ErrorContext) => void told.push({ error, context })
let hook: ErrorHook = onError
const routes = () =>
  new Hono().get('/broken/:id', () => {
    throw new Error('route')
  })

let open: Awaited<ReturnType<typeof openObservedApp>>
beforeAll(async () => {
  open = await openObservedApp({ onError: (error, context) => hook(error, context), routes })
})
afterAll(() => open[Symbol.asyncDispose]())
beforeEach(() => {
  told.length = 0
  hook = onError
})

const throwing = (error: unknown) => async () => {
  throw error
}

describe('an unexpected error', () => {
  it('of a call is told once, as it was thrown, with where it came from and not who called', async () => {
    const cause = new Error('deeper')
    const error = new Error('broken', { cause })
    const userId = `user-${randomUUID()}`
    await open.run(throwing(error), { userId }).catch(() => {})
    expect(told).toMatchObject([
      {
        context: {
          kind: 'call',
          action: 'act',
          source: 'client',
          transport: 'caller',
          actor: 'user',
          attempt: 1,
        },
      },
    ])
    expect(told[0]?.error).toBe(error)
    expect(told[0]?.error.cause).toBe(cause)
    expect(told[0]?.context.requestId).toEqual(expect.any(String))
    expect(told[0]?.context.invocationId).toEqual(expect.any(String))
    expect(JSON.stringify(told[0]?.context)).not.toContain(userId)
  })

  it('is told on every transport', async () => {
    const url = await open.app.listen()
    const token = await open.app.token('ada')
    const id = open.hold(throwing(new Error('broken')))
    await post(`${url}/api/actions/act`, { token, body: JSON.stringify({ id }) })
    await post(`${url}/trpc/actions.act`, { token, body: JSON.stringify({ json: { id } }) })
    // The same error object would be told once: each call throws its own.
    expect(told.map(({ context }) => context.transport)).toEqual(['rest'])
    const other = open.hold(async () => {
      throw new Error('another')
    })
    await post(`${url}/trpc/actions.act`, { token, body: JSON.stringify({ json: { id: other } }) })
    expect(told.map(({ context }) => context.transport)).toEqual(['rest', 'trpc'])
  })

  it('is none where a call is refused, or fails as actions do', async () => {
    await open.run(async () => fail('CONFLICT', 'Full'))
    await open.run(async (ctx) => ctx.tools.update('events', 'missing', { title: 'x' }))
    await expect(open.app.createCaller({ token: 'forged' }).users.me()).rejects.toThrow()
    expect(told).toEqual([])
  })

  it('of the app’s own SQL holds no values', async () => {
    const secret = `secret-${randomUUID()}`
    await open
      .run(async (ctx) => {
        await ctx.tools.sql(async (db) => db.execute(sql`select ${secret} from nowhere`))
        return ok(1)
      })
      .catch(() => {})
    expect(told.map(({ error }) => chain(error)[1])).toEqual([expect.stringContaining('SQLSTATE 42P01')])
    const text = told
      .map(({ error }) => `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`)
      .join()
    expect(text).not.toContain(secret)
  })

  it('of the app’s routes is told with the route', async () => {
    const url = await open.app.listen()
    expect((await get(`${url}/broken/secret-id`)).status).toBe(500)
    expect(told).toMatchObject([
      { error: { message: 'route' }, context: { kind: 'route', route: '/broken/:id' } },
    ])
  })

  it('of a job is told once, when the job is given up', async () => {
    const error = new Error('job broken')
    const id = open.hold(throwing(error))
    await open.run(async (ctx) => {
      const queued = await ctx.tools.later(open.act, { id }, { attempts: 2 })
      return queued.success ? ok(1) : queued
    })
    await doAllDue(open.app.engine)
    expect(told).toEqual([])
    await open.app.database.write({
      sql: "update deputy.queue set due_at = now() - interval '1 hour'",
      params: [],
    })
    await doAllDue(open.app.engine)
    expect(told).toMatchObject([{ context: { kind: 'job', action: 'act', source: 'later', attempt: 2 } }])
    expect(told[0]?.error.cause).toBe(error)
  })
})

describe('a hook', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('hook')
      },
    ],
    ['rejects', () => Promise.reject(new Error('hook'))],
    ['never settles', () => new Promise<void>(() => {})],
  ] as const)('that %s harms no call', async (_how, faulty) => {
    hook = faulty
    await expect(open.run(throwing(new Error('broken')))).rejects.toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
    })
    const [answer] = await open.run(async (ctx) => ctx.tools.create('events', eventData()))
    expect(answer?.success).toBe(true)
  })

  it('that does not come to an end is waited for no longer than its bound', async () => {
    const log = { error() {}, warn() {} } as never
    const reports = new ErrorReports(() => new Promise<void>(() => {}), log)
    reports.report(new Error('a'), { kind: 'server' })
    await reports.settle(10)
    let isDone = false
    const patient = new ErrorReports(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      isDone = true
    }, log)
    patient.report(new Error('b'), { kind: 'server' })
    await patient.settle(5_000)
    expect(isDone).toBe(true)
  })

  it('is told of what is no error, and of an error of the database as it is', () => {
    const log = { error() {}, warn() {} } as never
    const reports = new ErrorReports(onError, log)
    for (const thrown of ['text', 5, undefined, null, { secret: 'x' }])
      reports.report(thrown, { kind: 'server' })
    reports.report(new SqlError({ sqlstate: '42P01', table: 't' }), { kind: 'server' })
    expect(told.map(({ error }) => error.message)).toEqual([
      'text',
      'Thrown: number',
      'Thrown: undefined',
      'Thrown: object',
      'Thrown: object',
      'SQLSTATE 42P01 (t)',
    ])
  })

  it('never sees a statement with its values, however deep', () => {
    const log = { error() {}, warn() {} } as never
    const reports = new ErrorReports(onError, log)
    const quoting = Object.assign(new Error('Failed query: insert … params: secret'), {
      name: 'DrizzleQueryError',
      cause: new SqlError({ sqlstate: '23502' }),
    })
    reports.report(quoting, { kind: 'server' })
    reports.report(new Error('outer', { cause: new Error('middle', { cause: quoting }) }), { kind: 'server' })
    const seen = told.map(({ error }) => chain(error))
    expect(seen).toEqual([['SQLSTATE 23502 (no detail)'], ['outer', 'middle', 'SQLSTATE 23502 (no detail)']])
  })
})

function chain(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...chain(error.cause)] : []
}
