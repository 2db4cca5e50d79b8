import type { Actor } from '../auth/actor.ts'
import { Authenticator, type AuthenticatorOptions } from '../auth/authentication.ts'
import type { Failure } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import type { DryRunOptions } from '../invocation/dry-run/options.ts'
import type { Engine } from '../invocation/engine.ts'
import type { CallSource, Transport } from '../invocation/invocation.ts'

/** What a procedure knows of the request that it was called by, on every transport. */
export interface RequestContext {
  readonly engine: Engine
  readonly authenticator: Authenticator
  readonly requestId: string
  readonly transport: Transport
  readonly source: CallSource
  /** What keys of the app's own belong to; undefined where they are the caller's. */
  readonly keySpace: string | undefined
  /** The job that the call is a run of. */
  readonly jobId: string | undefined
  /** The address that the request came from. */
  readonly ip: string | undefined
  /** Idempotency keys, by the position of a call in its batch; none where it is undefined or empty. */
  readonly idempotency: readonly (string | undefined)[]
  /**
   * Counts a call against the limit of its address, and refuses one too many. For what strangers may spend; a call
   * in process has no address and is not counted.
   */
  countCall(): Failure | undefined
  /** Set where nothing of what is called is to stay; `invalid` where the header says neither. */
  readonly dryRun: DryRunOptions | 'invalid' | undefined
  /** The positions of calls that were answered as before. */
  readonly replayed: Set<number>
  /** Says that there is no action of a name. @default as tRPC says it of any path */
  readonly noSuchAction?: ((name: string) => Failure) | undefined
}

export interface RequestContextOptions {
  readonly authorization: string | undefined
  /** The caller, where the header was verified already. */
  readonly actor?: Actor | undefined
  readonly requestId?: string | undefined
  readonly transport: Transport
  /** @default 'client' */
  readonly source?: CallSource
  /** What keys of the app's own belong to. @default they are the caller's */
  readonly keySpace?: string | undefined
  /** The job that the call is a run of. @default none */
  readonly jobId?: string | undefined
  readonly ip?: string | undefined
  readonly idempotency?: readonly (string | undefined)[] | undefined
  /** The options of a dry run, or the header that asks for one. @default no dry run */
  readonly dryRun?: DryRunOptions | string | undefined
  /** @default counts nothing */
  readonly countCall?: () => Failure | undefined
}

export function createRequestContext(engine: Engine, options: RequestContextOptions): RequestContext {
  const requestId = options.requestId ?? uuidv7()
  return {
    engine,
    authenticator: options.actor
      ? Authenticator.of(options.actor, authenticatorOptions(engine, requestId))
      : createAuthenticator(engine, options.authorization, requestId),
    requestId,
    transport: options.transport,
    source: options.source ?? 'client',
    keySpace: options.keySpace,
    jobId: options.jobId,
    ip: options.ip,
    idempotency: options.idempotency ?? [],
    countCall: options.countCall ?? (() => undefined),
    dryRun: readDryRun(options.dryRun),
    replayed: new Set(),
  }
}

function readDryRun(asked: DryRunOptions | string | undefined): RequestContext['dryRun'] {
  if (typeof asked !== 'string') return asked
  return asked === 'true' ? {} : 'invalid'
}

/** Authenticates by the Authorization header; refusals go to the log, without the token. */
export function createAuthenticator(
  engine: Engine,
  authorization: string | undefined,
  requestId: string,
): Authenticator {
  return new Authenticator(authorization, authenticatorOptions(engine, requestId))
}

function authenticatorOptions(engine: Engine, requestId: string): AuthenticatorOptions {
  return {
    verifier: engine.verifier,
    blockedUsers: engine.blockedUsers,
    onFailure(failure) {
      if (failure.kind === 'blocked')
        engine.log.info({ requestId, actor: failure.userId }, 'A blocked user was refused')
      else if (failure.kind === 'unavailable')
        engine.log.warn({ requestId, detail: failure.detail }, 'Callers cannot be verified')
      else engine.log.info({ requestId, detail: failure.detail }, 'A token was refused')
    },
  }
}
