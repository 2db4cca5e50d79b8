import type { Logger } from 'pino'
import type { Actor, UserActor } from '../auth/actor.ts'
import { verifiedEmailOf } from '../auth/profile-claims.ts'
import { type ActionResult, fail, type JsonObject, type JsonValue, ok } from '../core/result.ts'
import { getFromPlatform, type PlatformRequest } from '../integrations/platform.ts'
import type { Attempt } from '../invocation/attempt.ts'
import type { Engine } from '../invocation/engine.ts'
import type { CallSource, Invocation } from '../invocation/invocation.ts'
import { ProgressWriter } from '../queue/progress.ts'
import { createCallerReads, createCallerRecords } from '../records/as-caller.ts'
import { Caller } from '../records/caller.ts'
import type { CallerReads, CallerRecords } from '../records/types.ts'
import type { JobSettings } from '../tools/later.ts'
import { type AttemptDatabase, createReadTools, createTools } from '../tools/tools.ts'
import type { AnyCollections, ReadTools, Tools } from '../tools/types.ts'
import type {
  ActionReadTools,
  ActionTools,
  AppTypes,
  CallerReadTools,
  CallerTools,
  EnvOf,
  OwnerTools,
} from './app-types.ts'

/** What every handler is given. Identity never comes from input. */
export interface CommonContext<TTools, TRecords, TEnv> {
  /** What the call comes from: a client; or the app's schedules, jobs, routes or commands, without a token. */
  readonly source: CallSource
  /** The token's email, only where the issuer says that it is verified. */
  readonly verifiedEmail: string | undefined
  /** The app's authority. It authorizes nothing: an action that passes it an id from the input has checked no one's right to it. */
  readonly tools: TTools
  /** The same data under the caller's permissions; `asCaller.may(operation, collection, id)` authorizes in one line. */
  readonly asCaller: TRecords
  /** All that the caller's token says, verified and frozen. Never log it. */
  readonly claims: JsonObject
  readonly ownerUserId: string | undefined
  readonly isOwner: boolean
  /** The caller's role: `admin` for the owner, else that of the caller's `users` row, else `member`. */
  role(): Promise<string>
  /** What `server/env.ts` declares, and the owner's id. */
  readonly env: TEnv & { readonly OWNER_USER_ID: string | undefined }
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

/** What a handler for users is given. */
export interface HandlerContext<TTools, TRecords, TEnv> extends CommonContext<TTools, TRecords, TEnv> {
  /** The verified subject of the caller's token; the user as whom the app runs this, where there is no token. */
  readonly userId: string
  /**
   * The caller's raw verified Bearer token, to forward where an upstream must see the user. Never log or return it.
   * Reading it ends a call without a token: one by a schedule, as a job, or by a route.
   */
  readonly callerJwt: string
  /** Reads JSON from a platform as the caller, with the caller's own token. Use it in `tools.once`. */
  getFromPlatform(request: PlatformRequest): Promise<ActionResult<JsonValue>>
}

/** What an action of the app is given. */
export interface ActionContext<A extends AppTypes>
  extends HandlerContext<ActionTools<A>, CallerTools<A>, EnvOf<A>> {}

/** What an action of the owner's is given. */
export interface OwnerContext<A extends AppTypes>
  extends HandlerContext<OwnerTools<A>, CallerTools<A>, EnvOf<A>> {}

/** What an internal action is given: no token, and no user where it runs as no one. */
export interface InternalContext<A extends AppTypes>
  extends CommonContext<OwnerTools<A>, CallerTools<A>, EnvOf<A>> {
  /** The user as whom it runs; null where it runs as no one. */
  readonly userId: string | null
}

/** What an internal action is given that only reads. */
export interface InternalQueryContext<A extends AppTypes>
  extends CommonContext<ActionReadTools<A>, CallerReadTools<A>, EnvOf<A>> {
  /** The user as whom it runs; null where it runs as no one. */
  readonly userId: string | null
}

/** What an action of the app is given that only reads. */
export interface QueryContext<A extends AppTypes>
  extends HandlerContext<ActionReadTools<A>, CallerReadTools<A>, EnvOf<A>> {}

type AnyTools = Tools<AnyCollections, AttemptDatabase, object> | ReadTools<AnyCollections, AttemptDatabase>
type AnyRecords = CallerRecords<AnyCollections> | CallerReads<AnyCollections>
type AnyEnv = Readonly<Record<string, unknown>>

/** A context of any app: what it holds is typed by those who know the app. */
export type AnyContext = HandlerContext<AnyTools, AnyRecords, AnyEnv>

/** A call that a handler runs for. */
export interface HandledCall {
  readonly engine: Engine
  readonly invocation: Invocation
  readonly actor: Actor
}

/** Builds the context of one attempt. `mayGrant`: whether the action may grant credits. */
export function createActionContext(call: HandledCall, attempt: Attempt, mayGrant: boolean): AnyContext {
  // Where the app runs an internal action as no one, its types say that there may be no user.
  return new AttemptContext(call, attempt, mayGrant) as AnyContext
}

/** What has no token, by its source. */
const HOW: Readonly<Record<CallSource, string>> = {
  client: 'This call',
  schedule: 'A call by a schedule',
  later: 'A job',
  route: 'A call by a route',
  command: 'A call by a command',
}

const NO_CLAIMS: JsonObject = Object.freeze({})

/**
 * A class, for what is made only when it is asked for. Getters in a literal, or functions made for each context, would
 * give every context a hidden class of its own (V8), which costs more than all else of a call.
 */
class AttemptContext implements Omit<AnyContext, 'userId'> {
  readonly userId: string | null
  readonly source: CallSource
  readonly claims: JsonObject
  readonly ownerUserId: string | undefined
  readonly isOwner: boolean
  readonly env: AnyContext['env']
  readonly requestId: string
  readonly invocationId: string
  readonly attempt: number
  readonly now: Date
  readonly #call: HandledCall
  readonly #mayGrant: boolean
  readonly #attempt: Attempt
  // Not every action needs each of them.
  #tools: AnyTools | undefined
  #caller: Caller | undefined
  #asCaller: AnyRecords | undefined

  constructor(call: HandledCall, attempt: Attempt, mayGrant: boolean) {
    const { engine, invocation, actor } = call
    const { ownerUserId, appEnv } = engine
    this.#call = call
    this.#attempt = attempt
    this.#mayGrant = mayGrant
    this.userId = invocation.userId
    this.source = invocation.source
    this.claims = actor.kind === 'user' ? asJson(actor.claims) : NO_CLAIMS
    this.ownerUserId = ownerUserId
    this.isOwner = ownerUserId !== undefined && invocation.userId === ownerUserId
    this.env = appEnv
    this.requestId = invocation.requestId
    this.invocationId = invocation.id
    this.attempt = attempt.number
    this.now = attempt.now
    // A handler may take them out of their context.
    this.getFromPlatform = this.getFromPlatform.bind(this)
    this.role = this.role.bind(this)
  }

  getFromPlatform(request: PlatformRequest): Promise<ActionResult<JsonValue>> {
    const { engine } = this.#call
    return getFromPlatform(engine.http, this.callerJwt, request, this.log)
  }

  get callerJwt(): string {
    const token = this.#token
    if (token !== undefined) return token
    const { actor } = this.#call
    const isActing = actor.kind === 'user' && actor.actedBy !== undefined
    const how = isActing ? 'A call by the owner as another user' : HOW[this.source]
    throw this.#attempt.refuse(
      fail('PRECONDITION_FAILED', `${how} has no token of its caller: ctx.callerJwt cannot be read here.`),
    )
  }

  get #token(): string | undefined {
    const { actor } = this.#call
    return actor.kind === 'user' ? actor.token : undefined
  }

  get verifiedEmail(): string | undefined {
    const { actor } = this.#call
    return actor.kind === 'user' ? verifiedEmailOf(actor.claims) : undefined
  }

  get tools(): AnyTools {
    this.#tools ??= this.#createTools()
    return this.#tools
  }

  get asCaller(): AnyRecords {
    this.#asCaller ??= this.#createAsCaller()
    return this.#asCaller
  }

  async role(): Promise<string> {
    const role = await this.#attempt.call({ tool: 'role' }, async () =>
      ok((await this.#whoCalls().ruleActor()).role),
    )
    if (role.success) return role.data
    throw new Error(role.error)
  }

  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  #whoCalls(): Caller {
    this.#caller ??= new Caller(this.#attempt, this.#call.actor, this.#call.engine)
    return this.#caller
  }

  #createTools(): AnyTools {
    const { engine, invocation } = this.#call
    if (invocation.readOnly) return createReadTools(this.#attempt)
    return createTools(this.#attempt, {
      integrations: engine.integrations,
      callerJwt: this.#token,
      fingerprint: engine.fingerprint,
      jobs: {
        actions: engine.actions,
        ownerUserId: engine.ownerUserId,
        mayGrant: this.#mayGrant,
        tellProgress: this.#tellProgress(),
      },
    })
  }

  #tellProgress(): JobSettings['tellProgress'] {
    const { engine, invocation } = this.#call
    if (invocation.jobId === undefined) return undefined
    const writer = new ProgressWriter(engine.database, invocation.jobId, (error) =>
      invocation.log.warn({ err: error }, 'The progress of a job could not be saved'),
    )
    return (told) => writer.tell(told)
  }

  #createAsCaller(): AnyRecords {
    const [attempt, caller] = [this.#attempt, this.#whoCalls()]
    return this.#call.invocation.readOnly
      ? createCallerReads(attempt, caller)
      : createCallerRecords(attempt, caller)
  }

  get log(): Logger {
    return this.#attempt.log
  }
}

/** What a token holds is JSON; the verifier has frozen it to its depths. */
function asJson(claims: UserActor['claims']): JsonObject {
  return claims as JsonObject
}
