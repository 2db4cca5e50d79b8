import type { WrittenInTime } from '../../../../server/audit/written.ts'
import type { JsonSchema, Schemas } from '../../form/schema.ts'
import { deputy } from '../../shell/deputy.ts'
import { type ApiDocument, useDocument } from '../../shell/document.ts'

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

/** Reads how actions went in the last seven days. */
export function useCalls() {
  const totals = deputy.calls.totals.useQuery()
  const written = deputy.calls.written.useQuery()
  return {
    error: totals.error ?? written.error,
    data: totals.data &&
      written.data && {
        totals: new Map(totals.data.actions.map((each) => [each.action, each])),
        written: groupWrites(written.data),
      },
  }
}

/** The collections that each action has written, with how many records. */
function groupWrites({ writes }: WrittenInTime): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const groups = new Map<string, Map<string, number>>()
  for (const { action, collection, records } of writes) {
    const group = groups.get(action) ?? new Map<string, number>()
    groups.set(action, group.set(collection, (group.get(collection) ?? 0) + records))
  }
  return groups
}
