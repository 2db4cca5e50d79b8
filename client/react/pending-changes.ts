import type { Mutation, MutationCache, QueryClient } from '@tanstack/react-query'
import { useCallback, useRef, useSyncExternalStore } from 'react'
import type { Change, ChangeVerb } from './apply-changes.ts'
import { submissionId } from './submissions.ts'

const NONE: readonly Change[] = []
const VERBS: readonly string[] = ['create', 'update', 'remove'] satisfies readonly ChangeVerb[]

/** In a mutation's `meta`: its change is shown only once it was made. */
export interface OptimisticMeta {
  readonly optimistic: boolean
}

/**
 * Follows the changes of a collection that are on their way: its mutations that are pending. Nothing is kept of them
 * elsewhere, so that a mutation that fails has left nothing behind.
 */
export function usePendingChanges(
  queryClient: QueryClient,
  name: string,
  collection: string,
  userId: () => string | undefined,
): readonly Change[] {
  const last = useRef(NONE)
  const cache = queryClient.getMutationCache()
  const subscribe = useCallback((onChange: () => void) => cache.subscribe(onChange), [cache])
  const snapshot = () => {
    const changes = pendingChanges(cache, [name, 'records', collection], userId)
    if (!isSame(changes, last.current)) last.current = changes
    return last.current
  }
  return useSyncExternalStore(subscribe, snapshot, () => NONE)
}

function pendingChanges(
  cache: MutationCache,
  mutationKey: readonly string[],
  userId: () => string | undefined,
): readonly Change[] {
  const pending = cache.findAll({ mutationKey, status: 'pending' })
  if (pending.length === 0) return NONE
  const changes = new Map<string, Change>()
  for (const mutation of pending) {
    const change = changeOf(mutation, userId())
    // Two clicks are one change.
    if (change && !changes.has(change.id)) changes.set(change.id, change)
  }
  return [...changes.values()]
}

function changeOf({ options, state, meta }: Mutation, by: string | undefined): Change | undefined {
  const [name = '', ...path] = (options.mutationKey ?? []).map(String)
  const verb = path.at(-1)
  if (!isVerb(verb) || path.length !== 3 || meta?.optimistic === false) return undefined
  const input = state.variables
  if (typeof input !== 'object' || input === null) return undefined
  const id = submissionId({ name, path, asResult: false }, input)
  return { id, verb, input, by, at: new Date(state.submittedAt) }
}

function isVerb(verb: string | undefined): verb is ChangeVerb {
  return verb !== undefined && VERBS.includes(verb)
}

function isSame(one: readonly Change[], other: readonly Change[]): boolean {
  return one.length === other.length && one.every(({ id }, at) => id === other[at]?.id)
}
