import type { Logger } from 'pino'
import type { ActionTools, AppEnv } from './app-types.ts'
import { roleOf } from './auth/role.ts'
import type { Attempt } from './invocation/attempt.ts'
import type { Invocation } from './invocation/invocation.ts'
import { createReadTools, createTools } from './tools/tools.ts'

/** What every action is given. Identity never comes from input. */
export interface ActionContext<TTools = ActionTools> {
  /** The verified subject of the caller's token. */
  readonly userId: string
  /** The caller's raw verified Bearer token, to forward where an upstream must see the user. Never log or return it. */
  readonly callerJwt: string
  /** The token's email, only where the issuer says that it is verified. */
  readonly verifiedEmail: string | undefined
  /** The app's authority. It authorizes nothing: whoever passes it an id from the input has checked nobody's right to it. */
  readonly tools: TTools
  readonly ownerUserId: string | undefined
  readonly isOwner: boolean
  /** The caller's role: `admin` for the owner, else that of the caller's `users` row, else `member`. */
  role(): Promise<string>
  /** What `server/app-env.ts` declares, and the owner's id. */
  readonly env: AppEnv & { readonly OWNER_USER_ID: string | undefined }
  readonly requestId: string
  /** The same in every attempt. */
  readonly invocationId: string
  /** Counts from 1; a handler may run more than once before it commits. */
  readonly attempt: number
  /** Aborted when the deadline of the call is over. */
  readonly signal: AbortSignal
  readonly log: Logger
  /** The same in every attempt. */
  readonly now: Date
}

/** Builds the context of one attempt. */
export function createActionContext(invocation: Invocation, attempt: Attempt): ActionContext {
  const { engine, actor } = invocation
  const { ownerUserId } = engine
  const isOwner = ownerUserId !== undefined && actor.userId === ownerUserId
  const tools = (
    invocation.readOnly
      ? createReadTools(attempt)
      : createTools(attempt, {
          integrations: engine.integrations,
          callerJwt: actor.token,
          fingerprint: engine.fingerprint,
        })
  ) as ActionTools // The collections given at start are those that the app's types describe.
  return {
    userId: actor.userId,
    callerJwt: actor.token,
    verifiedEmail:
      actor.claims.email_verified === true && typeof actor.claims.email === 'string'
        ? actor.claims.email
        : undefined,
    tools,
    ownerUserId,
    isOwner,
    role: async () => {
      if (isOwner) return 'admin'
      const user = await tools.get('users', actor.userId)
      if (user.success) return user.data.record.data.role
      if (user.code === 'NOT_FOUND') return roleOf(undefined)
      throw new Error(user.error)
    },
    env: { ...engine.appEnv, OWNER_USER_ID: ownerUserId },
    requestId: invocation.requestId,
    invocationId: invocation.id,
    attempt: attempt.number,
    get signal() {
      return attempt.signal
    },
    get log() {
      return invocation.log
    },
    now: invocation.now,
  }
}
