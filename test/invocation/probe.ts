import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry } from 'deputyjs'
import { z } from 'zod'
import type { Database } from '../../server/db/database.ts'
import type { PostgresOptions } from '../../server/db/postgres.ts'
import type { IntegrationDeclarations } from '../../server/integrations/declarations.ts'
import { createApp } from '../../server/lifecycle/create-app.ts'
import { fixture } from '../fixture/app.ts'
import { type ActionContext, action, type QueryContext } from '../fixture/deputy.ts'
import { startUpstream } from '../integrations/upstream.ts'
import { createTestApp } from '../support/test-app.ts'

export type Handler = (ctx: ActionContext) => Promise<unknown>

export const BRIEF_DEADLINE_MS = 500

/** An app whose one action does what each test says, with a real api-worker beside it. */
export async function createProbe(
  pool?: Omit<PostgresOptions, 'url'>,
  integrations: IntegrationDeclarations = fixture.integrations,
) {
  const handlers = new Map<string, (ctx: never) => Promise<unknown>>()
  const input = z.strictObject({ id: z.string() })
  const handle = ({ ctx, input }: { ctx: unknown; input: { id: string } }) => {
    const handler = handlers.get(input.id)
    if (!handler) throw new Error(`No handler ${input.id}`)
    return handler(ctx as never) as Promise<ActionResult<unknown>>
  }
  const actions = actionRegistry({
    probe: action.input(input).mutation(handle),
    briefProbe: action.input(input).meta({ deadlineMs: BRIEF_DEADLINE_MS }).mutation(handle),
    readProbe: action.input(input).query(handle),
  })
  const upstream = await startUpstream()
  const app = await createTestApp({
    actions,
    integrations,
    apiWorkerUrl: upstream.url,
    ...(pool ? { pool } : {}),
  })
  const callOn = async (
    { createCaller }: Pick<typeof app, 'createCaller'>,
    name: keyof typeof actions,
    handler: (ctx: never) => Promise<unknown>,
    userId: string,
  ): Promise<ActionResult<unknown>> => {
    const id = randomUUID()
    handlers.set(id, handler)
    try {
      return await createCaller({ token: await app.token(userId) }).actions[name]({ id })
    } finally {
      handlers.delete(id)
    }
  }
  const call = callOn.bind(undefined, app)
  const run = (handler: Handler, userId = 'ada') => call('probe', handler, userId)
  return {
    app,
    upstream,
    run,
    /** With a deadline of BRIEF_DEADLINE_MS. */
    runBriefly: (handler: Handler) => call('briefProbe', handler, 'ada'),
    read: (handler: (ctx: QueryContext) => Promise<unknown>) => call('readProbe', handler, 'ada'),
    /** The same actions in a server of its own, on another pool: `run` and `runBriefly` of it. */
    serveOn(database: Database) {
      const { http, integrations, verifier, log } = app.engine
      const { collections } = fixture
      // The owner is let in without asking the database who is blocked, so that a test meets its own faults alone.
      const server = createApp({
        actions,
        collections,
        database,
        http,
        integrations,
        verifier,
        log,
        ownerUserId: 'ada',
      })
      return {
        run: (handler: Handler) => callOn(server, 'probe', handler, 'ada'),
        runBriefly: (handler: Handler) => callOn(server, 'briefProbe', handler, 'ada'),
      }
    },
    /** Creates an event in a call of its own. */
    async newEvent(title = 'Launch') {
      const recordId = randomUUID()
      const created = await run((ctx) => ctx.tools.create('events', eventData(title), recordId))
      if (!created.success) throw new Error(created.error)
      return recordId
    },
    /** The event's data as it is committed; undefined when there is none. */
    async event(recordId: string) {
      const answer = await run((ctx) => ctx.tools.get('events', recordId))
      if (!answer.success && answer.code !== 'NOT_FOUND') throw new Error(answer.error)
      const { record } = (answer.success ? answer.data : {}) as { record?: EventRecord }
      return record?.data
    },
    /** What was logged with this message. */
    logged: (message: RegExp) => app.logged.filter((line) => message.test(String(line.msg))),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

export type Probe = Awaited<ReturnType<typeof createProbe>>

interface EventRecord {
  readonly data: { readonly title: string; readonly capacity: number; readonly attendeeCount: number }
}

export function eventData(title = 'Launch') {
  return { title, startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 100_000 }
}

/** A promise and the function that fulfils it. */
export function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}
