import { QueryClientProvider, useQueryClient } from '@tanstack/react-query'
import { createElement, useSyncExternalStore } from 'react'
import type { AnyDeputyRouter } from '../core/router-types.ts'
import { Connections, type ConnectOptions } from './connections.ts'
import type { Deputy, ProviderProps } from './deputy-types.ts'
import type { MoreOptions } from './keys.ts'
import { callHook } from './procedure-hooks.ts'
import { ProcedureOptions } from './procedure-options.ts'
import { type HookTools, useRecords } from './record-hooks.ts'

export interface DeputyOptions {
  /** What keys of queries and mutations begin with; for an app that talks to more than one server. @default 'deputy' */
  readonly name?: string
}

type Args = readonly [input?: unknown, more?: MoreOptions]

/**
 * Makes the hooks of an app, typed by its router: `createDeputy<AppRouter>()`. They work below the deputy's `Provider`,
 * or wherever there is a query client that `connect` was given. Nothing is kept in a global.
 */
export function createDeputy<TRouter extends AnyDeputyRouter>({
  name = 'deputy',
}: DeputyOptions = {}): Deputy<TRouter> {
  const connections = new Connections(name)
  const tools: HookTools = { name, options: new ProcedureOptions(connections) }
  const own = {
    connect: (options: ConnectOptions) => connections.connect<TRouter>(options),
    Provider,
    useRecords: (collection: string, options?: { readonly optimistic?: boolean }) =>
      useRecords(tools, collection, options),
    useIsLive: () => useIsLive(connections),
    queryKey: () => [name],
  }
  const hooks = hookProxy([], own, (path, args) => callHook(tools, path, args))
  return hooks as Deputy<TRouter> // Each procedure's hooks are typed by the procedure.
}

function Provider({ connection, children }: ProviderProps) {
  return createElement(QueryClientProvider, { client: connection.queryClient }, children)
}

function useIsLive(connections: Connections): boolean {
  const { interruptions } = connections.of(useQueryClient())
  return useSyncExternalStore(
    interruptions.subscribe,
    () => interruptions.areNone,
    () => true,
  )
}

const NOTHING = {}

/** Every path there may be: which ones there are, the server knows. */
function hookProxy(
  path: readonly string[],
  own: Readonly<Record<string, unknown>>,
  call: (path: readonly string[], args: Args) => unknown,
): unknown {
  return new Proxy(() => {}, {
    get(_target, key) {
      // With a `then` it would be taken for a promise.
      if (typeof key !== 'string' || key === 'then') return undefined
      return Object.hasOwn(own, key) ? own[key] : hookProxy([...path, key], NOTHING, call)
    },
    apply: (_target, _this, [input, more]) => call(path, [input, more]),
  })
}
