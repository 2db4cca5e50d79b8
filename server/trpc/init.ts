import { initTRPC, type TRPCError, type TRPCErrorShape } from '@trpc/server'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { knownActor, verifiedUser } from '../auth/authentication.ts'
import type { ErrorData } from '../core/error-data.ts'
import type { Failure } from '../core/result.ts'
import type { Budget } from '../ledger/budgets.ts'
import type { ActionLimit } from '../limits/action-limit.ts'
import { transformer } from '../wire/serialize.ts'
import type { RequestContext } from './context.ts'
import { httpStatusOf, toFailure } from './error-shape.ts'

/** How agents are offered an action, as a tool of `POST /mcp`. */
export interface AgentMeta {
  /** What it does and when to use it, for a model to read: at most 1000 characters. */
  readonly description: string
  /** Whether it destroys what was there, so that agents ask first. @default not said */
  readonly destructive?: boolean
  /** Whether a call is shown what it would do first, and is done when it comes again with the answer's confirmation. @default false */
  readonly confirm?: boolean
}

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
  /** How often it may be called. @default as often as the limits of the whole app let a caller call */
  readonly limit?: ActionLimit
  /** Who may ask what a call would do without doing it: the owner, or every caller that it lets in. @default 'owner' */
  readonly dryRun?: 'owner' | 'caller'
  /** Whether an action that only reads is shown live: run again for a stream whenever what it read has changed. @default true */
  readonly live?: boolean
  /** Offers it to agents. @default it is no tool of theirs */
  readonly agent?: AgentMeta
  /** What it does, in a line of at most 120 characters, for those who read about it. */
  readonly summary?: string
  /** What else there is to know of it, in Markdown. */
  readonly description?: string
  /** Whether clients should no longer call it. @default false */
  readonly deprecated?: boolean
  /** The groups that it is listed in. @default ['actions'] */
  readonly tags?: readonly string[]
}

export const ACTIONS_PREFIX = 'actions.'
/** What follows the path of an action that is shown live. No action's name has a dot. */
export const LIVE_SUFFIX = '.live'

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
