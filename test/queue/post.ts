import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry } from 'deputyjs'
import { z } from 'zod'
import type { Database } from '../../server/db/database.ts'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import { createApp } from '../../server/lifecycle/create-app.ts'
import { startDispatcher } from '../../server/queue/dispatcher.ts'
import { fixture } from '../fixture/app.ts'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { startUpstream } from '../integrations/upstream.ts'
import { holdingContract } from '../support/contract-check.ts'
import { execute } from '../support/execute.ts'
import { createTestApp, type TestAppOptions } from '../support/test-app.ts'

export type Handler = (ctx: ActionContext) => Promise<ActionResult<unknown>>

export const MAIL_PRICE = 100
export const SMS_PRICE = 40
const input = z.strictObject({
  to: z.string(),
  text: z.string().optional(),
  pin: z.string().meta({ secret: true }).optional(),
})
const send = { method: 'POST', input, retries: 0 } as const

const integrations = defineIntegrations({
  /** The owner pays, and the provider takes a key. */
  mail: {
    billing: 'developer',
    clients: 'none',
    direct: {
      baseUrl: { env: 'PROVIDER_URL' },
      endpoints: {
        other: endpoint({ ...send, path: '/other', price: 0 }),
        third: endpoint({ ...send, path: '/third', price: 0 }),
        send: endpoint({ ...send, path: '/mail', idempotencyHeader: 'Idempotency-Key', price: MAIL_PRICE }),
      },
    },
  },
  /** The caller pays. */
  sms: {
    billing: 'user',
    clients: 'users',
    direct: {
      baseUrl: { env: 'PROVIDER_URL' },
      endpoints: {
        send: endpoint({ ...send, path: '/sms', idempotencyHeader: 'Idempotency-Key', price: SMS_PRICE }),
      },
    },
  },
  /** By the proxy, with the caller's token. */
  own: { billing: 'user', clients: 'users' },
})

type Options = Pick<
  TestAppOptions<never, never>,
  'budgets' | 'failpoint' | 'isOwnerUnmetered' | 'ownerUserId' | 'pool'
>

/** An app whose one action does what each test says, and a real provider that its messages go to. */
export async function openPost(options: Options = {}) {
  const provider = await startUpstream()
  const handlers = new Map<string, Handler>()
  const actions = actionRegistry({
    act: action.input(z.strictObject({ id: z.string() })).mutation(({ ctx, input }) => {
      const handler = handlers.get(input.id)
      if (!handler) throw new Error(`No handler ${input.id}`)
      return handler(ctx)
    }),
  })
  const app = await createTestApp({
    ...options,
    actions,
    integrations,
    integrationEnv: { PROVIDER_URL: provider.url },
    apiWorkerUrl: provider.url,
    fingerprintKey: Buffer.alloc(32, 7),
  })
  const rows = async (sql: string, ...params: readonly unknown[]) =>
    (await app.database.query({ sql, params })).rows
  const change = (text: string) => execute(app.database, app.databaseUrl, text)
  const running: ReturnType<typeof startDispatcher>[] = []
  const server = ({ createCaller }: Pick<typeof app, 'createCaller'>) => ({
    /** Calls the action as this user; with an id of its own, or one that was given, which belongs to a key. */
    async act(handler: Handler, userId = 'ada', once?: { readonly key: string; readonly id: string }) {
      const id = once?.id ?? randomUUID()
      handlers.set(id, handler)
      const key = once ? { idempotencyKey: once.key } : {}
      return createCaller({ token: await app.token(userId), ...key }).actions.act({ id })
    },
  })
  return {
    app,
    provider,
    rows,
    change,
    ...server(app),
    /** The same app as another server, on another pool. */
    serveOn(database: Database) {
      const { http, integrations, verifier, log, isOwnerUnmetered, budgets, ownerUserId } = app.engine
      const { collections } = fixture
      const shared = {
        http,
        integrations,
        verifier,
        log,
        isOwnerUnmetered,
        budgets,
        ownerUserId,
        collections,
        aroundAnswer: holdingContract,
      }
      const other = createApp({ ...shared, actions, database, fingerprintKey: Buffer.alloc(32, 7) })
      return { ...server(other), engine: other.engine }
    },
    /** Sends messages from now on. */
    startSending(engine = app.engine, options: { readonly intervalMs?: number } = {}) {
      const dispatcher = startDispatcher({ ...engine, intervalMs: 20, ...options })
      running.push(dispatcher)
      return dispatcher
    },
    /** What the provider was sent at this path. */
    received: (path: '/mail' | '/sms' | '/other' | '/third') =>
      provider.received.filter((entry) => entry.path === path),
    /** How many messages there are in this state. */
    count: async (state: 'queued' | 'dead') =>
      Number((await rows('select count(*) from deputy.queue where state = $1', state))[0]?.[0]),
    /** The time until the next attempt is over, as it would be. */
    makeDue: () => change("update deputy.queue set due_at = now() where state = 'queued' and token is null"),
    async stopSending() {
      for (const dispatcher of running.splice(0)) await dispatcher.stop(10_000)
    },
    async [Symbol.asyncDispose]() {
      for (const dispatcher of running) await dispatcher.stop(0)
      await provider[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

export type Post = Awaited<ReturnType<typeof openPost>>

/** Queues a mail of the owner's. */
export function mail(ctx: ActionContext, to: string) {
  return ctx.tools.enqueue('mail/send', { to })
}

/** Queues a text message that the caller pays. */
export function sms(ctx: ActionContext, to: string) {
  return ctx.tools.enqueue('sms/send', { to })
}
