import type { TRPCMutationProcedure, TRPCQueryProcedure } from '@trpc/server'
import { z } from 'zod'
import type { ActionResult } from '../core/result.ts'
import { optionsFromJson } from '../records/where-from-json.ts'
import type { Catalog, CatalogEntry } from '../tools/catalog.ts'
import type { CollectionTypes } from '../tools/collection-types.ts'
import type { AnyCollections, Envelope, MutateActionData, Page } from '../tools/types.ts'
import type { QueryOptions, Where } from '../tools/where-types.ts'
import { type ActionMeta, t } from '../trpc/init.ts'
import { invoked, noteSent } from '../trpc/invoked.ts'
import { anyoneProcedure, parserOf, refuseUnacceptable } from '../trpc/procedure.ts'
import { readsOf, writeAsCaller } from '../trpc/run-as-caller.ts'
import { reviveBySchema } from '../wire/from-json.ts'

export const RECORDS_PREFIX = 'records.'

type Query<TInput, TData> = TRPCQueryProcedure<{
  input: TInput
  output: ActionResult<TData>
  meta: ActionMeta
}>
type Mutation<TInput, TData> = TRPCMutationProcedure<{
  input: TInput
  output: ActionResult<TData>
  meta: ActionMeta
}>

/** The data API of one collection under the caller's permissions; inputs are named, answers are those of `tools`. */
export type CollectionProcedures<T extends CollectionTypes> = {
  get: Query<{ readonly recordId: string }, { readonly record: Envelope<T['callerRecord']> }>
  // biome-ignore lint/suspicious/noConfusingVoidType: what lets a client leave the argument out.
  list: Query<QueryOptions<T['compared']> | void, Page<Envelope<T['callerRecord']>>>
  // biome-ignore lint/suspicious/noConfusingVoidType: as above.
  count: Query<{ readonly where?: Where<T['compared']> | undefined } | void, { readonly count: number }>
  create: Mutation<CreateInput<T['callerCreate'], T['callerMerge']>, MutateActionData>
  update: Mutation<
    {
      readonly recordId: string
      readonly patch: T['callerPatch']
      readonly ifVersion?: number | undefined
    },
    MutateActionData
  >
  remove: Mutation<{ readonly recordId: string }, MutateActionData>
}

/** With an id it upserts by merge. Where no role may create, there is no creating without one. */
type CreateInput<TCreate, TMerge> =
  | ([TCreate] extends [never] ? never : { readonly data: TCreate; readonly recordId?: undefined })
  | { readonly data: TMerge; readonly recordId: string }

export type RecordsProcedures<TCollections extends AnyCollections> = {
  [K in keyof TCollections & string]: CollectionProcedures<TCollections[K]>
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
export function createRecordsRouter<TCollections extends AnyCollections>(catalog: Catalog) {
  const collections = Object.fromEntries([...catalog].map(([name, entry]) => [name, proceduresOf(entry)]))
  // The catalog is of the collections that the types describe.
  return t.router(collections as unknown as RecordsProcedures<TCollections>)
}

/** What is sent is read by the types of the columns, on every transport: plain JSON has neither dates nor bigints. */
function proceduresOf(entry: CatalogEntry) {
  const { name: collection, patchSchema } = entry
  const procedure = anyoneProcedure.use(async ({ getRawInput, next }) => {
    refuseUnacceptable(await getRawInput())
    return next()
  })
  const writing = anyoneProcedure
    .use(invoked({ readOnly: false }))
    .use(async ({ ctx, getRawInput, next }) => {
      noteSent(ctx.invocation, await getRawInput())
      return next()
    })
  return {
    get: procedure
      .input(parserOf(schemas.get))
      .query(({ ctx, input }) => readsOf(ctx).get(collection, input.recordId)),
    list: procedure
      .input(parserOf(schemas.list))
      .query(({ ctx, input }) => readsOf(ctx).query(collection, optionsFromJson(entry, input))),
    count: procedure
      .input(parserOf(schemas.count))
      .query(({ ctx, input }) =>
        readsOf(ctx).count(collection, optionsFromJson(entry, input)?.where as never),
      ),
    create: writing.input(parserOf(schemas.create)).mutation(({ ctx, input }) =>
      writeAsCaller(ctx, input, (records) =>
        // Without an id it creates, with one it merges; the verb checks the data either way.
        records.create(collection, reviveBySchema(patchSchema, input.data) as never, input.recordId as never),
      ),
    ),
    update: writing.input(parserOf(schemas.update)).mutation(({ ctx, input }) => {
      const { recordId, patch, ifVersion } = input
      return writeAsCaller(ctx, input, (records) =>
        records.update(
          collection,
          recordId,
          reviveBySchema(patchSchema, patch) as never,
          // The verb checks it, and says more than a schema would.
          ifVersion === undefined ? {} : { ifVersion: ifVersion as never },
        ),
      )
    }),
    remove: writing
      .input(parserOf(schemas.remove))
      .mutation(({ ctx, input }) =>
        writeAsCaller(ctx, input, (records) => records.remove(collection, input.recordId)),
      ),
  }
}
