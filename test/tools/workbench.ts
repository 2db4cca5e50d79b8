import { type ActionResult, actionRegistry } from 'deputyjs'
import {
  bigint,
  boolean,
  doublePrecision,
  integer,
  jsonb,
  numeric,
  text,
  timestamp,
  uniqueIndex,
  varchar,
} from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import type { AttemptDatabase } from '../../server/tools/tools.ts'
import type { CollectionsOf, Tools } from '../../server/tools/types.ts'
import * as appCollections from '../fixture/collections.ts'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

/** A column of every kind that tools treat in a way of its own. */
export const samples = collection(
  'samples',
  {
    label: text().notNull(),
    note: text(),
    score: integer(),
    ratio: doublePrecision(),
    big: bigint({ mode: 'bigint' }),
    amount: numeric({ precision: 40, scale: 10 }),
    payload: jsonb(),
    tags: text().array(),
    flag: boolean(),
    at: timestamp({ withTimezone: true, precision: 3 }),
    shortCode: varchar({ length: 5 }).unique(),
    mail: text('e_mail'),
    slug: text()
      .notNull()
      .$defaultFn(() => 'made by the default'),
  },
  { constraints: (sample) => [uniqueIndex('samples_mail_key').on(sample.mail)] },
)

const SAMPLES_TABLE = `
  create table samples (
    record_id text primary key, created_by text, created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null, version integer not null default 1,
    label text not null, note text, score integer, ratio double precision, big bigint, amount numeric(40, 10),
    payload jsonb, tags text[], flag boolean, at timestamptz(3), short_code varchar(5), e_mail text,
    slug text not null, constraint "samples_shortCode_unique" unique (short_code));
  create unique index samples_mail_key on samples (e_mail);
  create index samples_created_at_idx on samples (created_at, record_id);`

const collections = { ...appCollections, samples }

export type BenchTools = Tools<CollectionsOf<typeof collections>, AttemptDatabase, Record<string, never>>
/** The same tools for what the compiler would refuse. */
export type LooseTools = {
  readonly [K in keyof BenchTools]: (...values: readonly unknown[]) => Promise<ActionResult<unknown>>
}
type Handler<T> = (tools: BenchTools, ctx: ActionContext) => Promise<ActionResult<T>>
type LooseHandler = (tools: LooseTools) => Promise<ActionResult<unknown>>

export interface BenchOptions {
  readonly clock?: () => Date
  readonly apiWorkerUrl?: string
  readonly ownerJwt?: string | undefined
  readonly pool?: { readonly max?: number }
}

/** An app of two actions, one that may write and one that reads, which run what a test gives them. */
export async function openBench(options: BenchOptions = {}) {
  const handlers = new Map<string, Handler<unknown>>()
  const input = z.strictObject({ handler: z.string() })
  const handlerOf = (id: string) => handlers.get(id) ?? Promise.reject(new Error('No such handler'))
  const run = action
    .input(input)
    .mutation(async ({ ctx, input }) => (await handlerOf(input.handler))(asBenchTools(ctx.tools), ctx))
  const read = action
    .input(input)
    .query(async ({ ctx, input }) =>
      (await handlerOf(input.handler))(asBenchTools(ctx.tools), ctx as unknown as ActionContext),
    )
  const app = await createTestApp({ actions: actionRegistry({ run, read }), collections, ...options })
  await execute(app.database, app.databaseUrl, SAMPLES_TABLE)
  let calls = 0

  async function call<T>(
    kind: 'run' | 'read',
    handler: Handler<T>,
    userId: string,
  ): Promise<ActionResult<T>> {
    calls += 1
    const id = `handler-${calls}`
    handlers.set(id, handler)
    try {
      const caller = await app.as(userId)
      // The handler's own result comes back; the procedure's type only knows that it is an ActionResult.
      return (await caller.actions[kind]({ handler: id })) as ActionResult<T>
    } finally {
      handlers.delete(id)
    }
  }

  return {
    app,
    /** Runs a handler as an action that may write. */
    run: <T>(handler: Handler<T>, userId = 'ada') => call('run', handler, userId),
    /** Runs a handler as an action that only reads. */
    read: <T>(handler: Handler<T>, userId = 'ada') => call('read', handler, userId),
    /** Runs a handler whose arguments the compiler would refuse. */
    loose: (handler: LooseHandler) => call('run', (tools) => handler(tools as unknown as LooseTools), 'ada'),
    /** Runs SQL beside the app. */
    execute: (text: string) => execute(app.database, app.databaseUrl, text),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

export type Bench = Awaited<ReturnType<typeof openBench>>

/** The data of a success; a failure fails the test with its own sentence. */
export function dataOf<T>(result: ActionResult<T>): T {
  if (result.success) return result.data
  throw new Error(`${result.code}: ${result.error}`)
}

let minted = 0
/** An id that no other test of the file uses. */
export function mint(prefix = 'id'): string {
  minted += 1
  return `${prefix}-${minted}`
}

/** The bench hands its own collections to the engine, so the tools know `samples` as well. */
function asBenchTools(tools: object): BenchTools {
  return tools as BenchTools
}
