import type { Logger } from 'pino'
import type { ActionTools, AppEnv, CallerTools } from './app-types.ts'
import type { UserActor } from './auth/actor.ts'
import { getFromPlatform, type PlatformRequest } from './integrations/platform.ts'
import type { Attempt } from './invocation/attempt.ts'
import type { Invocation } from './invocation/invocation.ts'
import { createCallerReads, createCallerRecords } from './records/as-caller.ts'
import { Caller } from './records/caller.ts'
import { type ActionResult, type JsonValue, ok } from './result.ts'
import { createReadTools, createTools } from './tools/tools.ts'

/** What every action is given. Identity never comes from input. */
export interface ActionContext<TTools = ActionTools, TRecords = CallerTools> {
  /** The verified subject of the caller's token. */
  readonly userId: string
  /** The caller's raw verified Bearer token, to forward where an upstream must see the user. Never log or return it. */
  readonly callerJwt: string
  /** The token's email, only where the issuer says that it is verified. */
  readonly verifiedEmail: string | undefined
  /** The app's authority. It authorizes nothing: whoever passes it an id from the input has checked nobody's right to it. */
  readonly tools: TTools
  /** The same data under the caller's permissions; `asCaller.may(operation, collection, id)` authorizes in one line. */
  readonly asCaller: TRecords
  /** Reads JSON from a platform as the caller, with the caller's own token. Use it in `tools.once`. */
  getFromPlatform(request: PlatformRequest): Promise<ActionResult<JsonValue>>
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
export function createActionContext(
  invocation: Invocation,
  attempt: Attempt,
  actor: UserActor,
): ActionContext {
  const { engine } = invocation
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
  const caller = new Caller(attempt, actor, engine)
  const asCaller = (
    invocation.readOnly ? createCallerReads(attempt, caller) : createCallerRecords(attempt, caller)
  ) as CallerTools // As above.
  return {
    userId: actor.userId,
    callerJwt: actor.token,
    verifiedEmail:
      actor.claims.email_verified === true && typeof actor.claims.email === 'string'
        ? actor.claims.email
        : undefined,
    tools,
    asCaller,
    getFromPlatform: (request) => getFromPlatform(engine.http, actor.token, request, invocation.log),
    ownerUserId,
    isOwner,
    role: async () => {
      const role = await attempt.call('role', undefined, false, async () =>
        ok((await caller.ruleActor()).role),
      )
      if (role.success) return role.data
      throw new Error(role.error)
    },
    // What was parsed at start by the app's own schema, which its type describes.
    env: { ...(engine.appEnv as AppEnv), OWNER_USER_ID: ownerUserId },
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
