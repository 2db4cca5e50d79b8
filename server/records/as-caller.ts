import type { Operation } from '../../drizzle/engine/access.ts'
import { collectionDefinition } from '../../drizzle/engine/collection.ts'
import type { ActionResult } from '../core/result.ts'
import { count } from '../tools/count.ts'
import { noSuchCollection } from '../tools/problems.ts'
import { query } from '../tools/query.ts'
import type { ReadToolRuntime, ToolRuntime } from '../tools/tool-runtime.ts'
import type { AnyCollections } from '../tools/types.ts'
import { type CallerGetOptions, getAsCaller, may } from './access-query.ts'
import { type Caller, withPresumedRole } from './caller.ts'
import { createAsCaller } from './create.ts'
import type { Permission, Policy } from './policy.ts'
import { deniedToRole } from './refusals.ts'
import { removeAsCaller } from './remove.ts'
import type { CallerReads, CallerRecords } from './types.ts'
import { updateAsCaller } from './update.ts'

type Body<T> = (permission: Permission) => Promise<ActionResult<T>>

interface Call {
  readonly verb: Operation | 'get' | 'query' | 'count' | 'may'
  readonly collection: string
  readonly recordId?: unknown
  readonly writes?: boolean
}

/** Creates the reading verbs of the data API, under the caller's permissions. */
export function createCallerReads(runtime: ReadToolRuntime, caller: Caller): CallerReads<AnyCollections> {
  const unlessDenied =
    <T>(body: Body<T>): Body<T> =>
    async (permission) => {
      runtime.didRead?.(collectionsRead(permission))
      return permission.allowsSome('read') ? body(permission) : deniedToRole(permission, 'read')
    }
  const read = <T>(call: Call, body: Body<T>, isFound: (data: T) => boolean) =>
    asCaller(runtime, caller, call, (policy) => withPresumedRole(caller, policy, body, isFound))
  return {
    get: (collection: string, recordId: string, options?: CallerGetOptions) =>
      read(
        { verb: 'get', collection, recordId },
        unlessDenied((permission) => getAsCaller(runtime, permission, recordId, options)),
        () => true,
      ) as never,
    query: (collection, options) =>
      read(
        { verb: 'query', collection },
        unlessDenied(({ visible }) => query(runtime, visible, options)),
        (page) => page.count > 0 || page.nextCursor !== null,
      ) as never,
    count: (collection, where) =>
      permitted(
        runtime,
        caller,
        { verb: 'count', collection },
        unlessDenied(({ visible }) => count(runtime, visible, where)),
      ),
    may: (operation, collection, recordId) =>
      read(
        { verb: 'may', collection, recordId },
        (permission) => {
          runtime.didRead?.(collectionsRead(permission, ['read', operation]))
          return may(runtime, permission, operation, recordId)
        },
        () => true,
      ),
  }
}

/** Creates the data API under the caller's permissions: the verbs of the app's tools, decided by the access rules. */
export function createCallerRecords(runtime: ToolRuntime, caller: Caller): CallerRecords<AnyCollections> {
  const on = <T>(verb: Call['verb'], collection: string, recordId: unknown, body: Body<T>) =>
    permitted(runtime, caller, { verb, collection, recordId, writes: true }, body)
  const reads = createCallerReads(runtime, caller)
  return {
    get: reads.get,
    query: reads.query,
    count: reads.count,
    may: reads.may,
    create: (collection: string, data: unknown, recordId?: string) =>
      on('create', collection, recordId, (permission) => createAsCaller(runtime, permission, data, recordId)),
    update: (collection, recordId, patch, options) =>
      on('update', collection, recordId, (permission) =>
        updateAsCaller(runtime, permission, recordId, patch, options),
      ),
    remove: (collection, recordId) =>
      on('remove', collection, recordId, (permission) => removeAsCaller(runtime, permission, recordId)),
  }
}

function permitted<T>(
  runtime: ReadToolRuntime,
  caller: Caller,
  call: Call,
  body: Body<T>,
): Promise<ActionResult<T>> {
  return asCaller(runtime, caller, call, async (policy) => body(policy.for(await caller.ruleActor())))
}

function asCaller<T>(
  runtime: ReadToolRuntime,
  caller: Caller,
  { verb, collection, recordId, writes = false }: Call,
  body: (policy: Policy) => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  const record = typeof recordId === 'string' ? `${collection}/${recordId}` : undefined
  return runtime.call<T>({ tool: `asCaller.${verb}`, record, writes }, async () => {
    const policy = caller.policies.get(collection)
    return policy ? body(policy) : noSuchCollection(collection)
  })
}

/**
 * Says which collections an answer under a permission depends on: its own, and that of the memberships of a `team` rule.
 * `all` where a rule is a function, whose condition may read any.
 */
export function collectionsRead(
  { entry, view }: Permission,
  operations: readonly Operation[] = ['read'],
): ReadonlySet<string> | 'all' {
  const rules = operations.map((operation) => view.access[operation])
  if (rules.some((rule) => typeof rule === 'function')) return 'all'
  const members = rules.includes('team') ? collectionDefinition(entry.table)?.access.teamMembers : undefined
  return new Set(members === undefined ? [entry.name] : [entry.name, members])
}
