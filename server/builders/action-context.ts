import type { Logger } from 'pino'
import type { UserActor } from '../auth/actor.ts'
import { verifiedEmailOf } from '../auth/profile-claims.ts'
import { type ActionResult, type JsonObject, type JsonValue, ok } from '../core/result.ts'
import { getFromPlatform, type PlatformRequest } from '../integrations/platform.ts'
import type { Attempt } from '../invocation/attempt.ts'
import type { Engine } from '../invocation/engine.ts'
import type { Invocation } from '../invocation/invocation.ts'
import { createCallerReads, createCallerRecords } from '../records/as-caller.ts'
import { Caller } from '../records/caller.ts'
import type { CallerReads, CallerRecords } from '../records/types.ts'
import { type AttemptDatabase, createReadTools, createTools } from '../tools/tools.ts'
import type { AnyCollections, ReadTools, Tools } from '../tools/types.ts'
import type {
  ActionReadTools,
  ActionTools,
  AppTypes,
  CallerReadTools,
  CallerTools,
  EnvOf,
} from './app-types.ts'

/** What every handler is given. Identity never comes from input. */
export interface HandlerContext<TTools, TRecords, TEnv> {
  /** The verified subject of the caller's token. */
  readonly userId: string
  /** The caller's raw verified Bearer token, to forward where an upstream must see the user. Never log or return it. */
  readonly callerJwt: string
  /** The token's email, only where the issuer says that it is verified. */
  readonly verifiedEmail: string | undefined
  /** The app's authority. It authorizes nothing: an action that passes it an id from the input has checked no one's right to it. */
  readonly tools: TTools
  /** The same data under the caller's permissions; `asCaller.may(operation, collection, id)` authorizes in one line. */
  readonly asCaller: TRecords
  /** Reads JSON from a platform as the caller, with the caller's own token. Use it in `tools.once`. */
  getFromPlatform(request: PlatformRequest): Promise<ActionResult<JsonValue>>
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

/** What an action of the app is given. */
export interface ActionContext<A extends AppTypes>
  extends HandlerContext<ActionTools<A>, CallerTools<A>, EnvOf<A>> {}

/** What an action of the app is given that only reads. */
export interface QueryContext<A extends AppTypes>
  extends HandlerContext<ActionReadTools<A>, CallerReadTools<A>, EnvOf<A>> {}

type AnyTools = Tools<AnyCollections, AttemptDatabase, object> | ReadTools<AnyCollections, AttemptDatabase>
type AnyRecords = CallerRecords<AnyCollections> | CallerReads<AnyCollections>
type AnyEnv = Readonly<Record<string, unknown>>

/** A context of any app: what it holds is typed by those who know the app. */
export type AnyContext = HandlerContext<AnyTools, AnyRecords, AnyEnv>

/** A user's call that a handler runs for. */
export interface UserCall {
  readonly engine: Engine
  readonly invocation: Invocation
  readonly actor: UserActor
}

/** Builds the context of one attempt. */
export function createActionContext(call: UserCall, attempt: Attempt): AnyContext {
  return new AttemptContext(call, attempt)
}

/**
 * A class, for what is made only when it is asked for. Getters in a literal, or functions made for each context, would
 * give every context a hidden class of its own (V8), which costs more than all else of a call.
 */
class AttemptContext implements AnyContext {
  readonly userId: string
  readonly callerJwt: string
  readonly claims: JsonObject
  readonly ownerUserId: string | undefined
  readonly isOwner: boolean
  readonly env: AnyContext['env']
  readonly requestId: string
  readonly invocationId: string
  readonly attempt: number
  readonly now: Date
  readonly #call: UserCall
  readonly #attempt: Attempt
  // Not every action needs each of them.
  #tools: AnyTools | undefined
  #caller: Caller | undefined
  #asCaller: AnyRecords | undefined

  constructor(call: UserCall, attempt: Attempt) {
    const { engine, invocation, actor } = call
    const { ownerUserId, appEnv } = engine
    this.#call = call
    this.#attempt = attempt
    this.userId = actor.userId
    this.callerJwt = actor.token
    this.claims = asJson(actor.claims)
    this.ownerUserId = ownerUserId
    this.isOwner = ownerUserId !== undefined && actor.userId === ownerUserId
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
    const { engine, invocation } = this.#call
    return getFromPlatform(engine.http, this.callerJwt, request, invocation.log)
  }

  get verifiedEmail(): string | undefined {
    return verifiedEmailOf(this.#call.actor.claims)
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
      callerJwt: this.callerJwt,
      fingerprint: engine.fingerprint,
    })
  }

  #createAsCaller(): AnyRecords {
    const [attempt, caller] = [this.#attempt, this.#whoCalls()]
    return this.#call.invocation.readOnly
      ? createCallerReads(attempt, caller)
      : createCallerRecords(attempt, caller)
  }

  get log(): Logger {
    return this.#call.invocation.log
  }
}

/** What a token holds is JSON; the verifier has frozen it to its depths. */
function asJson(claims: UserActor['claims']): JsonObject {
  return claims as JsonObject
}
