import { initTRPC, type TRPCError, type TRPCErrorShape } from '@trpc/server'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { knownActor, verifiedUser } from '../auth/authentication.ts'
import type { ErrorData } from '../core/error-data.ts'
import type { Failure } from '../core/result.ts'
import type { Budget } from '../ledger/budgets.ts'
import { transformer } from '../wire/transformer.ts'
import type { RequestContext } from './context.ts'
import { httpStatusOf, toFailure } from './error-shape.ts'

/** What differs from the defaults for one action. */
export interface ActionMeta {
  /** How long the handler may take in all its runs. @default 10000, or lifetimeMs where that is given */
  readonly deadlineMs?: number
  /**
   * How long a call may last with all its waits, in milliseconds: up to 900000 (15 min). For internal actions.
   * @default 120000
   */
  readonly lifetimeMs?: number
  /** Whether calls leave an audit row that wrote, spent and failed in nothing. @default 'when it matters' */
  readonly audit?: 'always' | 'when it matters'
  /** What it may spend of the owner's money in a UTC day: calls, and whole micro-credits. @default BUDGET_ACTION_CALLS and BUDGET_ACTION_CREDITS */
  readonly budget?: Partial<Budget>
  /** Who may ask what a call would do without doing it: the owner, or every caller that it lets in. @default 'owner' */
  readonly dryRun?: 'owner' | 'caller'
}

export const ACTIONS_PREFIX = 'actions.'

export const t = initTRPC
  .context<RequestContext>()
  .meta<ActionMeta>()
  .create({
    transformer,
    isDev: false,
    errorFormatter({ shape, error, ctx, path }): TRPCErrorShape<ErrorData> {
      const failure = hides(path, ctx) ?? missingAction(path, ctx, error) ?? toFailure(error)
      return { ...shape, ...errorShape(failure, ctx?.requestId ?? null) }
    },
  })

/** tRPC has looked for an action and has not found it: what our own code says is not there has a failure as its cause. */
function missingAction(path: string | undefined, ctx: RequestContext | undefined, error: TRPCError) {
  const isMissing = error.code === 'NOT_FOUND' && error.cause === undefined
  return isMissing && path?.startsWith(ACTIONS_PREFIX)
    ? ctx?.noSuchAction?.(path.slice(ACTIONS_PREFIX.length))
    : undefined
}

/** A failure as tRPC's clients read an error. */
export function errorShape(failure: Failure, requestId: string | null) {
  const data: ErrorData = {
    code: failure.code,
    httpStatus: httpStatusOf(failure),
    requestId,
    issues: failure.issues ?? null,
    details: failure.details ?? null,
  }
  return { message: failure.error, code: TRPC_ERROR_CODES_BY_KEY[failure.code], data }
}

/**
 * A token that is not valid is refused for what it is, whatever was called with it; and one who is not signed in
 * learns of an action neither that it exists nor that it does not.
 */
function hides(path: string | undefined, ctx: RequestContext | undefined): Failure | undefined {
  const authentication = path === undefined ? undefined : ctx?.authenticator.settled
  if (!authentication) return undefined
  const caller = (path?.startsWith(ACTIONS_PREFIX) ? verifiedUser : knownActor)(authentication)
  return 'failure' in caller ? caller.failure : undefined
}
