import { skipToken, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { applyToPage, applyToRecord, type Change, type ListInput } from './apply-changes.ts'
import type { MoreOptions, Procedure } from './keys.ts'
import { type OptimisticMeta, usePendingChanges } from './pending-changes.ts'
import type { Pages, ProcedureOptions } from './procedure-options.ts'

type AnyPage = Parameters<typeof applyToPage>[0]
type AnyRecord = Parameters<typeof applyToRecord>[0]
type Select = (data: unknown) => unknown
type Show = (data: unknown, changes: readonly Change[]) => unknown

/** What the hooks of one deputy's collections are made of. */
export interface HookTools {
  readonly name: string
  readonly options: ProcedureOptions
}

/** Reads a list, with the changes that are on their way. */
export function useList(tools: HookTools, collection: string, input: unknown, more: MoreOptions = {}) {
  const select = useChanged(tools, collection, more, (page, changes) =>
    applyToPage(page as AnyPage, changes, listInput(input)),
  )
  return useQuery({ ...tools.options.query(procedureOf(tools, collection, 'list'), input, more), select })
}

/** Reads a list page after page, with the changes that are on their way. */
export function useInfiniteList(
  tools: HookTools,
  collection: string,
  input: unknown,
  more: MoreOptions = {},
) {
  const select = useChanged(tools, collection, more, (data, changes) => {
    const { pages, pageParams } = data as Pages<AnyPage>
    const shown = pages.map((page, at) =>
      applyToPage(page, changes, { ...listInput(input), cursor: pageParams[at] }),
    )
    return { pages: shown, pageParams }
  })
  const options = tools.options.infinite(procedureOf(tools, collection, 'list'), input, more)
  return useInfiniteQuery({ ...options, select })
}

/** Reads a record, with the changes that are on their way; waits where there is no id. */
export function useRecord(
  tools: HookTools,
  collection: string,
  recordId: string | undefined,
  more: MoreOptions = {},
) {
  const select = useChanged(tools, collection, more, (data, changes) =>
    applyToRecord((data as { readonly record: AnyRecord }).record, changes),
  )
  const input = recordId === undefined ? skipToken : { recordId }
  return useQuery({ ...tools.options.query(procedureOf(tools, collection, 'get'), input, more), select })
}

/** Shows a list as it is now and after each change, with the changes that are on their way. */
export function useLive(tools: HookTools, collection: string, input: unknown, more: MoreOptions = {}) {
  const select = useChanged(tools, collection, more, (page, changes) =>
    applyToPage(page as AnyPage, changes, listInput(input)),
  )
  return useQuery({ ...tools.options.live(procedureOf(tools, collection, 'live'), input, more), select })
}

/** Shows a record as it is now and after each change, null where there is none; waits where there is no id. */
export function useLiveRecord(
  tools: HookTools,
  collection: string,
  recordId: string | undefined,
  more: MoreOptions = {},
) {
  const select = useChanged(tools, collection, more, (data, changes) => {
    const { record } = data as { readonly record: AnyRecord | null }
    return record && applyToRecord(record, changes)
  })
  const input = recordId === undefined ? skipToken : { recordId }
  return useQuery({
    ...tools.options.live(procedureOf(tools, collection, 'liveRecord'), input, more),
    select,
  })
}

/** Gives the mutations of a collection. */
export function useRecords(
  tools: HookTools,
  collection: string,
  { optimistic = true }: { readonly optimistic?: boolean } = {},
) {
  const meta = { optimistic } satisfies OptimisticMeta
  const options = (verb: string) => tools.options.mutation(procedureOf(tools, collection, verb), { meta })
  const create = useMutation(options('create'))
  const update = useMutation(options('update'))
  const remove = useMutation(options('remove'))
  return { create, update, remove }
}

/** Makes a `select` that shows the changes first, and then what the caller selects of that. */
function useChanged({ name, options }: HookTools, collection: string, more: MoreOptions, show: Show): Select {
  const queryClient = useQueryClient()
  const changes = usePendingChanges(queryClient, name, collection, () => options.userId(queryClient))
  const chosen = more.select as Select | undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: a query of another input has other data.
  return useMemo(() => {
    const shown: Select = (data) => show(data, changes)
    return chosen ? (data) => chosen(shown(data)) : shown
  }, [changes, chosen])
}

function procedureOf({ name }: HookTools, collection: string, verb: string): Procedure {
  return { name, path: ['records', collection, verb], asResult: false }
}

function listInput(input: unknown): ListInput {
  return typeof input === 'object' && input !== null ? input : {}
}
