import { randomUUID } from 'node:crypto'
import { actionRegistry, fail, ok } from 'deputyjs'
import { z } from 'zod'
import type { PostgresOptions } from '../../server/db/postgres.ts'
import type { FailpointName } from '../../server/invocation/engine.ts'
import { events } from '../fixture/collections.ts'
import { action, ownerAction, roleAction } from '../fixture/deputy.ts'
import { startUpstream } from '../integrations/upstream.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

const named = z.strictObject({ name: z.string() })
const STARTS_AT = new Date('2030-01-01T18:00:00.000Z')
const event = (title: string) => ({ title, startsAt: STARTS_AT, capacity: 100_000 })

/** What the actions of the shop do at the moment; a test may change it. */
export interface Script {
  /** Called in `pay` with the bank's answer, before it writes. */
  afterPay: () => void
  onFailpoint: (name: FailpointName) => void | Promise<void>
}

function shopActions(script: Script) {
  return actionRegistry({
    place: action.input(named).mutation(async ({ ctx, input }) => {
      const created = await ctx.tools.create('events', event(input.name))
      return created.success
        ? ok({ ...created.data, at: ctx.now, big: 12_345_678_901_234_567_890n })
        : created
    }),
    pay: action.input(named).mutation(async ({ ctx, input }) => {
      const before = await ctx.tools.count('events', { title: input.name })
      if (!before.success) return before
      const created = await ctx.tools.create('events', event(input.name))
      if (!created.success) return created
      // Built from what must be the same in every run: the record's id and the time.
      const paid = await ctx.tools.integration('bank/charge', {
        for: created.data.recordId,
        at: ctx.now.toISOString(),
      })
      if (!paid.success) return paid
      script.afterPay()
      return ok(created.data)
    }),
    /** Writes at an id of its own making, so that two of its calls do not meet but for their key. */
    scatter: action
      .input(named)
      .mutation(({ ctx, input }) => ctx.tools.create('events', event(input.name), randomUUID())),
    refuse: action.input(named).mutation(async ({ ctx, input }) => {
      await ctx.tools.create('events', event(input.name))
      return fail('CONFLICT', 'The shop is closed.')
    }),
    raw: action
      .input(named)
      .mutation(({ ctx }) =>
        ctx.tools.sql(async (database) => (await database.select().from(events)).length),
      ),
    echo: action.input(named).mutation(async ({ input }) => ok(input)),
    look: action.input(named).query(async ({ input }) => ok(input)),
    manage: roleAction('admin')
      .input(named)
      .mutation(({ ctx, input }) => ctx.tools.create('events', event(input.name))),
    own: ownerAction.input(named).query(async ({ input }) => ok(input)),
    watched: action
      .input(named)
      .meta({ audit: 'always' })
      .query(async ({ input }) => ok(input)),
    login: action
      .input(z.strictObject({ name: z.string(), password: z.string().meta({ secret: true }) }))
      .mutation(({ ctx, input }) => ctx.tools.create('events', event(input.name))),
  })
}

/** An app whose actions show what keys do, with a real bank that counts. */
export async function openShop(pool?: Omit<PostgresOptions, 'url'>) {
  const script: Script = { afterPay: () => {}, onFailpoint: () => {} }
  const bank = await startUpstream()
  const app = await createTestApp({
    actions: shopActions(script),
    apiWorkerUrl: bank.url,
    failpoint: (name) => script.onFailpoint(name),
    ...(pool ? { pool } : {}),
  })
  const rows = async (sql: string, ...params: readonly unknown[]) =>
    (await app.database.query({ sql, params })).rows
  return {
    app,
    bank,
    script,
    rows,
    run: (text: string) => execute(app.database, app.databaseUrl, text),
    /** How many events of this name there are. */
    count: async (name: string) =>
      Number((await rows('select count(*) from events where title = $1', name))[0]?.[0]),
    as: async (userId: string, idempotencyKey: string) =>
      app.createCaller({ token: await app.token(userId), idempotencyKey }),
    /** The leases of all claims are over, as time would have it. */
    endLeases: () =>
      execute(
        app.database,
        app.databaseUrl,
        "update deputy.idempotency_claims set lease_until = now() - interval '1 second'",
      ),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await bank[Symbol.asyncDispose]()
    },
  }
}

export type Shop = Awaited<ReturnType<typeof openShop>>
