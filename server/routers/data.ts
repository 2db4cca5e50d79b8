import { z } from 'zod'
import { collectionDefinition } from '../../drizzle/engine/collection.ts'
import type { UserActor } from '../auth/actor.ts'
import type { Page, RecordEnvelope } from '../core/record.ts'
import type { ActionResult } from '../core/result.ts'
import { optionsFromJson } from '../records/where-from-json.ts'
import type { CatalogEntry } from '../tools/catalog.ts'
import { getAsApp } from '../tools/get.ts'
import { noSuchCollection } from '../tools/problems.ts'
import { query } from '../tools/query.ts'
import type { ToolCall } from '../tools/tool-runtime.ts'
import { allRecords } from '../tools/visible-records.ts'
import type { AcceptedCall } from '../trpc/call.ts'
import { defineQuery } from '../trpc/callable.ts'
import { ownerOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { type DirectReads, readDirectly } from '../trpc/run-as-caller.ts'
import { page } from '../wire/page-input.ts'

const collection = z.string('must be text')
export const dataListSchema = z.strictObject({
  collection,
  // The query checks them, and says more about them than a schema here could.
  where: z.unknown().optional(),
  orderBy: z.string('must be text').optional(),
  orderDir: z.enum(['asc', 'desc'], 'must be asc or desc').optional(),
  ...page(),
})
const getSchema = z.strictObject({ collection, recordId: z.string('must be text') })

const forOwner = { callers: users, gate: ownerOnly, trail: 'always' } as const

/** All data, read as the app reads it, past every access rule: for the owner alone. Every call leaves an audit row. */
export function createDataRouter() {
  return t.router({
    /** Lists records, by the options that `tools.query` takes. */
    list: defineQuery({
      ...forOwner,
      schema: dataListSchema,
      shownBy: ({ engine }, { collection: name }) => shownSchema(engine.catalog.get(name)),
      run: (call): Promise<ActionResult<Page<RecordEnvelope>>> =>
        readAsApp(call, 'query', (reads, entry) => {
          const { collection: _collection, ...options } = call.input
          return query(reads, allRecords(entry), optionsFromJson(entry, options))
        }),
    }),
    /** Gets a record. */
    get: defineQuery({
      ...forOwner,
      schema: getSchema,
      run: (call): Promise<ActionResult<{ readonly record: RecordEnvelope }>> =>
        readAsApp(call, 'get', (reads, entry) => getAsApp(reads, entry, call.input.recordId)),
    }),
  })
}

/** Marks what the audit shows to no one: the cursor, which holds a value of a record, and conditions on secret fields. */
function shownSchema(entry: CatalogEntry | undefined): z.ZodType {
  const secret = z.unknown().meta({ secret: true })
  const { secretFields = [] } = collectionDefinition(entry?.table) ?? {}
  const where: z.ZodType = z.looseObject({
    ...Object.fromEntries(secretFields.map((field) => [field, secret])),
    AND: z.array(z.lazy(() => where)),
    OR: z.array(z.lazy(() => where)),
    NOT: z.lazy(() => where),
  })
  const cursor = z.string().meta({ secret: true }).nullable()
  return z.looseObject(secretFields.length === 0 ? { cursor } : { cursor, where })
}

async function readAsApp<T>(
  call: AcceptedCall<UserActor, { readonly collection: string }>,
  tool: ToolCall['tool'],
  read: (reads: DirectReads, entry: CatalogEntry) => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  const entry = call.engine.catalog.get(call.input.collection)
  return entry
    ? readDirectly(call, tool, (reads) => read(reads, entry))
    : noSuchCollection(call.input.collection)
}
