import type { ActAs, Actor } from '../auth/actor.ts'
import {
  type AuthenticationFailure,
  Authenticator,
  type AuthenticatorOptions,
} from '../auth/authentication.ts'
import type { Verifier } from '../auth/verifier.ts'
import type { Failure } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import type { DryRunOptions } from '../invocation/dry-run/options.ts'
import type { Engine } from '../invocation/engine.ts'
import { failingAddress } from '../invocation/failure-record.ts'
import type { CallSource, Transport } from '../invocation/invocation.ts'
import type { RemoteTrace } from '../invocation/tracing.ts'
import { Quotas } from '../limits/quota.ts'

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
  /** What is left of the limits that its calls were counted against. */
  readonly quotas: Quotas
  /** Whether no one waits for the answer any more. */
  isGone(): boolean
  /** Set where nothing of what is called is to stay; `invalid` where the header says neither. */
  readonly dryRun: DryRunOptions | 'invalid' | undefined
  /** Whether what is written is told; `invalid` where the header says neither. */
  readonly tellsWrites: boolean | 'invalid'
  /** What calls wrote that their caller may know of, by their positions. */
  readonly notices: Map<number, string>
  /** Set where a call may only be answered as before: what it is refused with where it was not made yet. */
  readonly unlessAnswered?: Failure | undefined
  /** What the request says it is a part of, where the app traces. */
  readonly remoteTrace: RemoteTrace | undefined
  /** The positions of calls that were answered as before. */
  readonly replayed: Set<number>
  /** The positions of calls whose own life counts how they end; the others were refused before it began. */
  readonly heard: Set<number>
  /** Says that there is no action of a name. @default as tRPC says it of any path */
  readonly noSuchAction?: ((name: string) => Failure) | undefined
}

export interface RequestContextOptions {
  readonly authorization: string | undefined
  /** Says whose token it is. @default the verifier of the app */
  readonly verifier?: Verifier | undefined
  /** The caller, where the header was verified already. */
  readonly actor?: Actor | undefined
  /** The user as whom the owner calls, as the header names them. @default the token's user calls */
  readonly actAs?: string | undefined
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
  /** The header that asks to be told what is written. @default nothing is told */
  readonly tellsWrites?: string | undefined
  /** What the request says it is a part of. @default it says nothing */
  readonly remoteTrace?: RemoteTrace | undefined
  /** @default someone waits */
  readonly isGone?: () => boolean
}

export function createRequestContext(engine: Engine, options: RequestContextOptions): RequestContext {
  const { requestId = uuidv7(), ip, actAs } = options
  return {
    engine,
    authenticator: options.actor
      ? Authenticator.of(options.actor, authenticatorOptions(engine, { requestId, ip, actAs }))
      : new Authenticator(
          options.authorization,
          authenticatorOptions(engine, { requestId, ip, actAs, verifier: options.verifier }),
        ),
    requestId,
    transport: options.transport,
    source: options.source ?? 'client',
    keySpace: options.keySpace,
    jobId: options.jobId,
    ip,
    idempotency: options.idempotency ?? [],
    quotas: new Quotas(),
    isGone: options.isGone ?? (() => false),
    dryRun: readDryRun(options.dryRun),
    tellsWrites: options.tellsWrites === undefined ? false : options.tellsWrites === 'true' || 'invalid',
    notices: new Map(),
    remoteTrace: options.remoteTrace,
    replayed: new Set(),
    heard: new Set(),
  }
}

function readDryRun(asked: DryRunOptions | string | undefined): RequestContext['dryRun'] {
  if (typeof asked !== 'string') return asked
  return asked === 'true' ? {} : 'invalid'
}

interface Authenticating {
  readonly requestId: string
  readonly ip: string | undefined
  readonly actAs?: string | undefined
  readonly verifier?: Verifier | undefined
}

function authenticatorOptions(
  engine: Engine,
  { requestId, ip, actAs, verifier = engine.verifier }: Authenticating,
): AuthenticatorOptions {
  return {
    verifier,
    blockedUsers: engine.blockedUsers,
    actAs: actAs === undefined ? undefined : actAsOf(engine, actAs),
    onFailure(failure) {
      if (failure.kind === 'not acting') return logNotActing(engine, requestId, failure)
      engine.observer?.tokenRefused(failure.kind === 'refused' ? failure.refusal : failure.kind)
      // Whoever sends tokens that are no good must not fill the log.
      const caller = failure.kind === 'blocked' ? `blocked ${failure.userId}` : failingAddress(ip)
      const refused = { userId: undefined, caller, action: 'authenticate', code: failure.kind }
      if (failure.kind !== 'unavailable' && !engine.failures.isWhole(refused)) return
      if (failure.kind === 'blocked')
        engine.log.info({ requestId, actor: failure.userId }, 'A blocked user was refused')
      else if (failure.kind === 'unavailable')
        engine.log.warn({ requestId, detail: failure.detail }, 'Callers cannot be verified')
      else engine.log.info({ requestId, detail: failure.detail }, 'A token was refused')
    },
  }
}

function actAsOf({ ownerUserId, mayActAs }: Engine, header: string): ActAs {
  return { header, ownerUserId, isAllowed: mayActAs }
}

/** Who asks for it again and again fills no log. */
function logNotActing(
  { failures, log }: Engine,
  requestId: string,
  { userId, failure: { code } }: Extract<AuthenticationFailure, { kind: 'not acting' }>,
): void {
  const caller = `acting ${userId ?? 'no one'}`
  if (!failures.isWhole({ userId: undefined, caller, action: 'authenticate', code })) return
  log.info({ requestId, actor: userId, code }, 'A call as another user was refused')
}
