import { z } from 'zod'
import { collectionDefinition } from '../../drizzle/engine/collection.ts'
import type { Actor } from '../auth/actor.ts'
import type { ActionResult, Failure } from '../core/result.ts'
import type { OpenStreams } from '../live/live-hub.ts'
import type { LiveQuery } from '../live/live-query.ts'
import type { LiveStream } from '../live/live-stream.ts'
import { livePage, liveRecord } from '../live/records-query.ts'
import type { Policy } from '../records/policy.ts'
import { optionsFromJson } from '../records/where-from-json.ts'
import type { Catalog, CatalogEntry } from '../tools/catalog.ts'
import type { CollectionProcedures } from '../tools/collection-procedures.ts'
import { noSuchCollection } from '../tools/problems.ts'
import type { AnyCollections } from '../tools/types.ts'
import type { AcceptedCall } from '../trpc/call.ts'
import { defineLive, defineMutation, defineQuery } from '../trpc/callable.ts'
import { anyone } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import type { TRPCProcedures } from '../trpc/procedures.ts'
import { readsOf, writeAsCaller } from '../trpc/run-as-caller.ts'
import { reviveBySchema } from '../wire/from-json.ts'

export const RECORDS_PREFIX = 'records.'

export type RecordsProcedures<TCollections extends AnyCollections> = {
  [K in keyof TCollections & string]: TRPCProcedures<CollectionProcedures<TCollections[K]>>
}

const record = z.strictObject({ recordId: z.string() })
const schemas = {
  get: record,
  // The verbs check their own arguments, and say more about them than a schema here could.
  list: z.record(z.string(), z.unknown()).optional(),
  count: z.strictObject({ where: z.unknown().optional() }).optional(),
  create: z.strictObject({ data: z.unknown(), recordId: z.string().optional() }),
  update: z.strictObject({ recordId: z.string(), patch: z.unknown(), ifVersion: z.unknown().optional() }),
  remove: record,
}

/** Makes `records.<collection>.<verb>` for every collection. */
export function createRecordsRouter(catalog: Catalog, hub: OpenStreams) {
  const collections = Object.fromEntries(
    [...catalog].map(([name, entry]) => [name, proceduresOf(entry, hub)]),
  )
  return t.router(collections as unknown as RecordsProcedures<AnyCollections>)
}

/** What is sent is read by the types of the columns, on every transport: plain JSON has neither dates nor bigints. */
function proceduresOf(entry: CatalogEntry, hub: OpenStreams) {
  const { name: collection, patchSchema } = entry
  const reading = { callers: anyone, trail: 'none' } as const
  // The audit shows what was written, but for the fields that the collection names as secret.
  const shown = shownSchema(entry)
  const writing = { callers: anyone, trail: 'when it matters', shownBy: () => shown } as const
  return {
    get: defineQuery({
      ...reading,
      schema: schemas.get,
      run: (call) => readsOf(call).get(collection, call.input.recordId),
    }),
    list: defineQuery({
      ...reading,
      schema: schemas.list,
      run: (call) => readsOf(call).query(collection, optionsFromJson(entry, call.input)),
    }),
    count: defineQuery({
      ...reading,
      schema: schemas.count,
      run: (call) => readsOf(call).count(collection, optionsFromJson(entry, call.input)?.where as never),
    }),
    live: defineLive({
      ...reading,
      schema: schemas.list,
      run: (call) =>
        openStream(call, hub, collection, (policy) => livePage(policy, optionsFromJson(entry, call.input))),
    }),
    liveRecord: defineLive({
      ...reading,
      schema: schemas.get,
      run: (call) => openStream(call, hub, collection, (policy) => liveRecord(policy, call.input.recordId)),
    }),
    create: defineMutation({
      ...writing,
      schema: schemas.create,
      run: (call) =>
        writeAsCaller(call, (records) => {
          const { data, recordId } = call.input
          // Without an id it creates, with one it merges; the verb checks the data either way.
          return records.create(collection, reviveBySchema(patchSchema, data) as never, recordId as never)
        }),
    }),
    update: defineMutation({
      ...writing,
      schema: schemas.update,
      run: (call) =>
        writeAsCaller(call, (records) => {
          const { recordId, patch, ifVersion } = call.input
          const options = ifVersion === undefined ? {} : { ifVersion: ifVersion as never }
          // The verb checks the version, and says more than a schema would.
          return records.update(collection, recordId, reviveBySchema(patchSchema, patch) as never, options)
        }),
    }),
    remove: defineMutation({
      ...writing,
      schema: schemas.remove,
      run: (call) => writeAsCaller(call, (records) => records.remove(collection, call.input.recordId)),
    }),
  }
}

/** Marks the secret fields of a collection in what is written; undefined where it has none. */
function shownSchema({ table }: CatalogEntry): z.ZodType | undefined {
  const { secretFields = [] } = collectionDefinition(table) ?? {}
  if (secretFields.length === 0) return undefined
  const secret = z.unknown().meta({ secret: true })
  const fields = z.looseObject(Object.fromEntries(secretFields.map((field) => [field, secret])))
  return z.looseObject({ data: fields, patch: fields })
}

/** Opens a stream of a query, unless its options are no good. */
function openStream(
  { engine, actor, ctx }: AcceptedCall<Actor, unknown>,
  hub: OpenStreams,
  collection: string,
  queryOf: (policy: Policy) => LiveQuery | Failure,
): Promise<ActionResult<LiveStream>> | Failure {
  const policy = engine.policies.get(collection)
  const query = policy ? queryOf(policy) : noSuchCollection(collection)
  return 'success' in query ? query : hub.open({ actor, address: ctx.ip, query })
}
