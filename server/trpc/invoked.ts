import type { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import type { ActionResult } from '../core/result.ts'
import { Invocation } from '../invocation/invocation.ts'
import { type Outcome, recordCall } from '../invocation/record-call.ts'
import type { Budget } from '../ledger/budgets.ts'
import type { RequestContext } from './context.ts'
import { toFailure } from './error-shape.ts'
import { ACTIONS_PREFIX, t } from './init.ts'
import { refuseUnacceptable } from './procedure.ts'

export interface InvokedOptions {
  /** Whether its transaction only reads. */
  readonly readOnly: boolean
  /** Time that the handler may take in all its runs. @default 10000 */
  readonly deadlineMs?: number | undefined
  /** Whether every call leaves an audit row. @default false */
  readonly isAudited?: boolean
  /** What it may spend of the owner's money in a day, in place of the default. */
  readonly actionBudget?: Partial<Budget> | undefined
}

const DEFAULT_DEADLINE_MS = 10_000

/** A context of a procedure that counts as a call of its own. */
export interface InvokedContext {
  readonly invocation: Invocation
}

/**
 * Makes a procedure's call an invocation, from before its gate to after its answer: whatever comes of it, in the
 * gate, the parser or the handler, is logged, and audited where it has to be.
 */
export function invoked(options: InvokedOptions) {
  return t.middleware(async ({ ctx, next, path, batchIndex }) => {
    const { actor } = ctx as RequestContext & { readonly actor: Actor } // Procedures authenticate first.
    const invocation = beginInvocation({ ctx, path, batchIndex }, actor, options)
    const result = await next({ ctx: { invocation } })
    const failure = result.ok ? failureOf(result.data as ActionResult<unknown>) : toFailure(result.error)
    await endInvocation({ ctx, batchIndex }, invocation, failure)
    return result
  })
}

/** Where a call stands in its request. */
export interface CallPlace {
  readonly ctx: RequestContext
  /** As tRPC names the procedure. */
  readonly path: string
  readonly batchIndex: number
}

/** Begins an invocation by an actor. */
export function beginInvocation(
  { ctx, path, batchIndex }: CallPlace,
  actor: Actor,
  options: InvokedOptions,
): Invocation {
  return new Invocation({
    engine: ctx.engine,
    actor,
    action: path.startsWith(ACTIONS_PREFIX) ? path.slice(ACTIONS_PREFIX.length) : path,
    requestId: ctx.requestId,
    readOnly: options.readOnly,
    deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
    transport: ctx.transport,
    ip: ctx.ip,
    key: options.readOnly ? undefined : ctx.idempotency[batchIndex],
    isAudited: options.isAudited ?? false,
    actionBudget: options.actionBudget,
  })
}

/** Leaves what there is to say of an invocation; to be awaited before its answer is given. */
export async function endInvocation(
  { ctx, batchIndex }: Omit<CallPlace, 'path'>,
  invocation: Invocation,
  outcome: Outcome,
): Promise<void> {
  if (invocation.isReplay) ctx.replayed.add(batchIndex)
  const written = recordCall(invocation, outcome)
  if (written) await written
  const stop = ctx.engine.failpoint('before-respond')
  if (stop) await stop
}

/** Notes what was sent, before a parser looks at it. @throws {TRPCError} BAD_REQUEST for what no schema may accept. */
export function noteSent(invocation: Invocation, raw: unknown): void {
  refuseUnacceptable(raw)
  invocation.sent = { raw, revived: raw }
}

/** Notes what the parser has accepted. */
export function withInput(invocation: Invocation, value: unknown, schema?: z.ZodType): Invocation {
  invocation.input = { value, schema }
  return invocation
}

/** What a result came to. */
export function failureOf(result: ActionResult<unknown>): Outcome {
  return result.success ? undefined : result
}
