import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useSuspenseInfiniteQuery,
  useSuspenseQuery,
} from '@tanstack/react-query'
import { type MoreOptions, mutationKeyOf, type Procedure, queryKeyOf } from './keys.ts'
import {
  type HookTools,
  useInfiniteList,
  useList,
  useLive,
  useLiveRecord,
  useRecord,
} from './record-hooks.ts'

/** What a path of hooks ends with, given the procedure or the collection that is before it. */
type Hook = (tools: HookTools, procedure: Procedure, input: unknown, more?: MoreOptions) => unknown

const useProcedureQuery: Hook = ({ options }, procedure, input, more) =>
  useQuery(options.query(procedure, input, more))

const useProcedureSuspenseQuery: Hook = ({ options }, procedure, input, more) =>
  useSuspenseQuery(options.awaited(procedure, input, more))

const useProcedureInfiniteQuery: Hook = ({ options }, procedure, input, more) =>
  useInfiniteQuery(options.infinite(procedure, input, more))

const useProcedureSuspenseInfiniteQuery: Hook = ({ options }, procedure, input, more) =>
  useSuspenseInfiniteQuery(options.awaitedInfinite(procedure, input, more))

const useProcedureMutation: Hook = ({ options }, procedure, more) =>
  useMutation(options.mutation(procedure, more as MoreOptions))

const useCollectionList: Hook = (tools, { path: [, collection = ''] }, input, more) =>
  useList(tools, collection, input, more)

const useCollectionInfiniteList: Hook = (tools, { path: [, collection = ''] }, input, more) =>
  useInfiniteList(tools, collection, input, more)

const useCollectionRecord: Hook = (tools, { path: [, collection = ''] }, recordId, more) =>
  useRecord(tools, collection, recordId as string | undefined, more)

const useCollectionLive: Hook = (tools, { path: [, collection = ''] }, input, more) =>
  useLive(tools, collection, input, more)

const useActionLive: Hook = ({ options }, procedure, input, more) =>
  useQuery(options.liveAction(procedure, input, more))

const useCollectionLiveRecord: Hook = (tools, { path: [, collection = ''] }, recordId, more) =>
  useLiveRecord(tools, collection, recordId as string | undefined, more)

const HOOKS: ReadonlyMap<string, Hook> = new Map<string, Hook>([
  ['queryKey', (_tools, procedure, input) => queryKeyOf(procedure, input)],
  ['infiniteQueryKey', (_tools, procedure, input) => queryKeyOf(procedure, input, true)],
  ['mutationKey', (_tools, procedure) => mutationKeyOf(procedure)],
  ['queryOptions', ({ options }, procedure, input, more) => options.query(procedure, input, more)],
  ['infiniteQueryOptions', ({ options }, procedure, input, more) => options.infinite(procedure, input, more)],
  ['mutationOptions', ({ options }, procedure, more) => options.mutation(procedure, more as MoreOptions)],
  ['useQuery', useProcedureQuery],
  ['useSuspenseQuery', useProcedureSuspenseQuery],
  ['useInfiniteQuery', useProcedureInfiniteQuery],
  ['useSuspenseInfiniteQuery', useProcedureSuspenseInfiniteQuery],
  ['useMutation', useProcedureMutation],
  ['useList', useCollectionList],
  ['useInfiniteList', useCollectionInfiniteList],
  ['useRecord', useCollectionRecord],
  [
    'useLive',
    (tools, procedure, input, more) =>
      (procedure.path[0] === 'actions' ? useActionLive : useCollectionLive)(tools, procedure, input, more),
  ],
  ['useLiveRecord', useCollectionLiveRecord],
])

/**
 * Calls what a path ends with, such as `actions.createEvent.useMutation` or `records.events.useList`.
 * @throws {TypeError} for what is no hook.
 */
export function callHook(
  tools: HookTools,
  path: readonly string[],
  [input, more]: readonly [input?: unknown, more?: MoreOptions],
): unknown {
  const hook = HOOKS.get(path.at(-1) ?? '')
  if (!hook) {
    throw new TypeError(
      `"${path.join('.')}" is no hook: a procedure has useQuery, useMutation, queryOptions and others, an action that only reads useLive, and a collection useList, useInfiniteList, useRecord, useLive and useLiveRecord`,
    )
  }
  const above = path.slice(0, -1)
  // Every procedure has at least two names, so an action may be called `asResult`.
  const asResult = above.length > 2 && above.at(-1) === 'asResult'
  const procedure = { name: tools.name, path: asResult ? above.slice(0, -1) : above, asResult }
  return hook(tools, procedure, input, more)
}
