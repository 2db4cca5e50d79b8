import { actorAs } from '../auth/actor.ts'
import { type ActionResult, fail } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import type { DryRunOptions } from '../invocation/dry-run/options.ts'
import type { Engine } from '../invocation/engine.ts'
import type { CallSource } from '../invocation/invocation.ts'
import { callProcedure, resultOf } from '../trpc/callable.ts'
import { createRequestContext } from '../trpc/context.ts'
import { ACTIONS_PREFIX } from '../trpc/init.ts'
import type { NamedAction } from './named-actions.ts'

/** A call that the app makes by itself, without anyone's token. */
export interface AppCall {
  readonly source: Exclude<CallSource, 'client'>
  /** The user as whom it runs; null for no one. */
  readonly userId: string | null
  /** The owner, where they act as the user. @default no one does */
  readonly actedBy?: string | null
  /** Reads the input, as it was given. */
  readonly readInput: () => unknown
  /** The call is made once for its key, within the space of keys. @default it is made each time */
  readonly key?: { readonly space: string; readonly value: string } | undefined
  /** The job that it is a run of. @default none */
  readonly jobId?: string | undefined
  /** @default a new one */
  readonly requestId?: string | undefined
  /** @default it counts */
  readonly dryRun?: DryRunOptions | undefined
}

/** Calls an action as the app does: with the same gate, checks, transaction and audit as for a client. Never throws. */
export async function callAsApp(
  engine: Engine,
  { name, definition }: NamedAction,
  call: AppCall,
): Promise<ActionResult<unknown>> {
  const { source, userId, actedBy, key, jobId, requestId = uuidv7(), dryRun, readInput } = call
  const ctx = createRequestContext(engine, {
    authorization: undefined,
    actor: userId === null ? { kind: 'anonymous' } : actorAs(userId, byOwner(actedBy)),
    requestId,
    transport: 'internal',
    source,
    keySpace: key?.space,
    idempotency: key && [key.value],
    jobId,
    dryRun,
  })
  const path = `${ACTIONS_PREFIX}${name}`
  return resultOf(await callProcedure(definition, { ctx, path, batchIndex: 0, readInput }))
}

function byOwner(actedBy: string | null | undefined) {
  return typeof actedBy === 'string' ? { userId: actedBy, expiresAtSeconds: undefined } : undefined
}

/** Makes the failure of what runs as the owner where there is none. */
export function noOwner() {
  return fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: this runs as the app's owner.")
}
