import { useQuery } from '@tanstack/react-query'
import type { JsonSchema, Schemas } from '../../form/schema.ts'
import { call } from '../../shell/call.ts'
import { type ApiDocument, useDocument } from '../../shell/document.ts'
import { useToken } from '../../shell/session.ts'

/** An action, as the app's document describes it. */
export interface Action {
  readonly name: string
  readonly summary: string | undefined
  readonly description: string | undefined
  readonly isDeprecated: boolean
  readonly kind: 'query' | 'mutation'
  /** `every user`, `owner`, or a role. */
  readonly callers: string
  readonly input: JsonSchema
}

export interface ActionList {
  readonly actions: readonly Action[]
  readonly schemas: Schemas
}

const PREFIX = '/api/actions/'

/** Reads what actions there are. */
export function useActions() {
  return useDocument(listOf)
}

function listOf({ paths, components }: ApiDocument): ActionList {
  const actions = Object.entries(paths).flatMap(([path, { post }]): Action[] => {
    const told = post?.['x-action']
    if (!post || !told || !path.startsWith(PREFIX)) return []
    const name = path.slice(PREFIX.length)
    return [
      {
        name,
        summary: post.summary === name ? undefined : post.summary,
        description: post.description,
        isDeprecated: post.deprecated ?? false,
        ...told,
        input: post.requestBody?.content['application/json'].schema ?? {},
      },
    ]
  })
  return { actions, schemas: components.schemas }
}

/** How often one action was called lately. */
export interface ActionCalls {
  readonly action: string
  readonly calls: number
  readonly errors: number
  readonly p95Ms: number | null
}

interface Written {
  readonly writes: readonly {
    readonly action: string
    readonly operation: string
    readonly collection: string
    readonly records: number
  }[]
}

/** Reads how actions went in the last seven days. */
export function useCalls() {
  const token = useToken()
  return useQuery({
    queryKey: ['calls', token],
    queryFn: async () => {
      const [totals, written] = await Promise.all([
        call<{ readonly actions: readonly ActionCalls[] }>('/api/calls'),
        call<Written>('/api/calls/written'),
      ])
      return {
        totals: new Map(totals.data.actions.map((each) => [each.action, each])),
        written: groupWrites(written.data),
      }
    },
  })
}

/** The collections that each action has written, with how many records. */
function groupWrites({ writes }: Written): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const groups = new Map<string, Map<string, number>>()
  for (const { action, collection, records } of writes) {
    const group = groups.get(action) ?? new Map<string, number>()
    groups.set(action, group.set(collection, (group.get(collection) ?? 0) + records))
  }
  return groups
}
