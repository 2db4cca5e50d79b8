import { type ActionResult, actionRegistry, ok } from 'deputyjs'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import type { PgColumnBuilder } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { FieldBuilders } from '../../drizzle/engine/access.ts'
import type { AnyCollection } from '../../drizzle/engine/collection.ts'
import { collection } from '../../drizzle/engine/collection.ts'
import * as appCollections from '../fixture/collections.ts'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'
import { dataOf } from '../tools/workbench.ts'
import { type Kept, mood, type Numbered, size, TABLE, type Tried } from './table.ts'

const isKept = (tried: Tried): tried is Kept => 'exact' in tried
const isNumbered = (tried: Tried): tried is Numbered => 'numbered' in tried
const access = { '*': { read: true, create: true, update: true, remove: true } } as const

/** A collection of its own for every column that may be declared. */
export interface Drawer<T> {
  readonly name: string
  /** The builder of Drizzle's that its column is of. */
  readonly builder: string
  readonly tried: T
  readonly collection: AnyCollection
}

const entries = Object.entries(TABLE).flatMap(([builder, list]) =>
  list.map((tried, nth) => ({ name: `${builder.toLowerCase()}_${nth}`, builder, tried })),
)

/** Whether REST and tRPC take a value: whole numbers may have lost digits where a double does not hold them all. */
export function travels(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value)
  return typeof value === 'object' && value !== null ? Object.values(value).every(travels) : true
}

export const kept: readonly Drawer<Kept>[] = entries.flatMap(({ name, builder: of, tried }) => {
  if (!isKept(tried)) return []
  const { exact, hasNoDefault = false } = tried
  const fields: FieldBuilders = {
    value: builder(tried),
    needed: builder(tried).notNull(),
    list: builder(tried).array(),
    made: builder(tried).$defaultFn(() => exact.at(-1)),
    ...(hasNoDefault ? {} : { preset: builder(tried).default(exact[0]) }),
  }
  return [{ name, builder: of, tried, collection: drawerOf(name, fields) }]
})

export const numbered: readonly Drawer<Numbered>[] = entries.flatMap(({ name, builder: of, tried }) =>
  isNumbered(tried)
    ? [{ name, builder: of, tried, collection: drawerOf(name, { value: builder(tried) }) }]
    : [],
)

/** Every builder is one of these; what their types know of their values is of no use here. */
export function builder({ column }: Tried): PgColumnBuilder {
  return column() as PgColumnBuilder
}

function drawerOf(name: string, fields: FieldBuilders): AnyCollection {
  return collection(name, fields, { access }) as AnyCollection
}

const tables = Object.fromEntries([...kept, ...numbered].map((drawer) => [drawer.name, drawer.collection]))

/** An action that adds, as an app would write it for amounts of this type. */
const adding = (amount: z.ZodType) =>
  action
    .input(z.strictObject({ collection: z.string(), id: z.string(), amount }))
    .mutation(async ({ ctx, input }) => {
      const { increment } = ctx.tools as unknown as {
        readonly increment: (...values: readonly unknown[]) => Promise<ActionResult<{ recordId: string }>>
      }
      return increment(input.collection, input.id, { value: input.amount })
    })

type Loose = Readonly<Record<string, (...values: readonly unknown[]) => Promise<ActionResult<never>>>>
type Handler = (tools: Loose, ctx: ActionContext) => Promise<unknown>

/** An app with all of these collections, in the tables that a migration makes of them. */
export async function openCabinet() {
  const handlers = new Map<string, Handler>()
  const run = action.input(z.strictObject({ id: z.string() })).mutation(async ({ ctx, input }) => {
    await handlers.get(input.id)?.(ctx.tools as unknown as Loose, ctx)
    return ok(null)
  })
  const app = await createTestApp({
    actions: actionRegistry({
      run,
      addNumber: adding(z.number()),
      addBigint: adding(z.bigint()),
      addString: adding(z.string()),
    }),
    collections: { ...appCollections, ...tables },
  })
  const empty = generateDrizzleJson({}, undefined, undefined, 'snake_case')
  const full = generateDrizzleJson({ mood, size, ...tables }, empty.id, undefined, 'snake_case')
  const statements = await generateMigration(empty, full)
  await execute(app.database, app.databaseUrl, statements.join('\n'))
  const url = await app.listen()
  const token = await app.token('ada')
  let calls = 0
  return {
    app,
    url,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    /** Runs a handler in an action of its own. */
    async run<T>(handler: (tools: Loose, ctx: ActionContext) => Promise<T>): Promise<T> {
      calls += 1
      const id = String(calls)
      let outcome: T | undefined
      handlers.set(id, async (tools, ctx) => {
        outcome = await handler(tools, ctx)
      })
      const caller = await app.as('ada')
      const result = await caller.actions.run({ id })
      dataOf(result)
      return outcome as T
    },
    execute: (text: string) => execute(app.database, app.databaseUrl, text),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

export type Cabinet = Awaited<ReturnType<typeof openCabinet>>
