import { z } from 'zod'
import { optionsFromJson } from '../records/where-from-json.ts'
import type { Catalog, CatalogEntry } from '../tools/catalog.ts'
import type { CollectionProcedures } from '../tools/collection-procedures.ts'
import type { AnyCollections } from '../tools/types.ts'
import { defineMutation, defineQuery } from '../trpc/callable.ts'
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
export function createRecordsRouter(catalog: Catalog) {
  const collections = Object.fromEntries([...catalog].map(([name, entry]) => [name, proceduresOf(entry)]))
  return t.router(collections as unknown as RecordsProcedures<AnyCollections>)
}

/** What is sent is read by the types of the columns, on every transport: plain JSON has neither dates nor bigints. */
function proceduresOf(entry: CatalogEntry) {
  const { name: collection, patchSchema } = entry
  const reading = { callers: anyone, trail: 'none' } as const
  // The audit shows what was written: its schema knows no secrets.
  const writing = { callers: anyone, trail: 'when it matters', shownBy: () => undefined } as const
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
