import type { Operation } from '../../drizzle/access.ts'
import type { ActionResult } from '../result.ts'
import { count } from '../tools/count.ts'
import { get } from '../tools/get.ts'
import { noSuchCollection } from '../tools/no-such-collection.ts'
import { query } from '../tools/query.ts'
import type { ReadRunner, ToolRunner } from '../tools/scope.ts'
import type { AnyCollections } from '../tools/types.ts'
import type { Caller } from './caller.ts'
import { createAsCaller } from './create.ts'
import { may } from './may.ts'
import type { Permission } from './policy.ts'
import { deniedToRole } from './refusals.ts'
import { removeAsCaller } from './remove.ts'
import type { CallerReads, CallerRecords } from './types.ts'
import { updateAsCaller } from './update.ts'

interface Call {
  readonly verb: Operation | 'get' | 'query' | 'count' | 'may'
  readonly collection: string
  readonly recordId?: unknown
  readonly writes?: boolean
}

/** The reading half of the data API, under the caller's permissions. */
export function createCallerReads(runner: ReadRunner, caller: Caller): CallerReads<AnyCollections> {
  const reading = <T>(call: Call, body: (permission: Permission) => Promise<ActionResult<T>>) =>
    permitted<T>(runner, caller, call, async (permission) =>
      permission.condition('read') === false ? deniedToRole(permission, 'read') : body(permission),
    )
  return {
    get: (collection, recordId) =>
      reading({ verb: 'get', collection, recordId }, ({ reach }) => get(runner, reach, recordId)) as never,
    query: (collection, options) =>
      reading({ verb: 'query', collection }, ({ reach }) => query(runner, reach, options)) as never,
    count: (collection, where) =>
      reading({ verb: 'count', collection }, ({ reach }) => count(runner, reach, where)),
    may: (operation, collection, recordId) =>
      permitted(runner, caller, { verb: 'may', collection, recordId }, (permission) =>
        may(runner, permission, operation, recordId),
      ),
  }
}

/** The data API under the caller's permissions: the same verbs as the app's tools, decided by the access rules. */
export function createCallerRecords(runner: ToolRunner, caller: Caller): CallerRecords<AnyCollections> {
  const on = <T>(
    verb: Call['verb'],
    collection: string,
    recordId: unknown,
    body: (permission: Permission) => Promise<ActionResult<T>>,
  ) => permitted(runner, caller, { verb, collection, recordId, writes: true }, body)
  const reads = createCallerReads(runner, caller)
  return {
    get: reads.get,
    query: reads.query,
    count: reads.count,
    may: reads.may,
    create: (collection: string, data: unknown, recordId?: string) =>
      on('create', collection, recordId, (permission) => createAsCaller(runner, permission, data, recordId)),
    update: (collection, recordId, patch, options) =>
      on('update', collection, recordId, (permission) =>
        updateAsCaller(runner, permission, recordId, patch, options),
      ),
    remove: (collection, recordId) =>
      on('remove', collection, recordId, (permission) => removeAsCaller(runner, permission, recordId)),
  }
}

function permitted<T>(
  runner: ReadRunner,
  caller: Caller,
  { verb, collection, recordId, writes = false }: Call,
  body: (permission: Permission) => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  const key = typeof recordId === 'string' ? `${collection}/${recordId}` : undefined
  return runner.call<T>(`asCaller.${verb}`, key, writes, async () => {
    const policy = caller.policies.get(collection)
    return policy ? body(policy.for(await caller.ruleActor())) : noSuchCollection(collection)
  })
}
