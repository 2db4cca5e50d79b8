import { UNAUTHORIZED_MESSAGE } from '../core/errors.ts'
import type { TokenRefusal } from '../core/observer.ts'
import { type Failure, fail } from '../core/result.ts'
import { type ActAs, type Actor, actAs, callingUserId, type UserActor } from './actor.ts'
import type { Admission, BlockedUsers } from './blocked-users.ts'
import type { Verifier } from './verifier.ts'

/** What came of a request's Authorization header. */
export type Authentication =
  | { readonly kind: 'actor'; readonly actor: Actor }
  /** There is a token, and it is not valid. It is never taken for no token. */
  | { readonly kind: 'refused'; readonly refusal: TokenRefusal; readonly detail: string }
  /** The keys cannot be had at the moment, or it is not known who is blocked. */
  | { readonly kind: 'unavailable'; readonly detail: string }
  /** The token is valid, and its user, or the one as whom the owner calls, may not call. */
  | { readonly kind: 'blocked'; readonly userId: string }
  /** The token is valid, and its user may not call as the one whom the request names. */
  | { readonly kind: 'not acting'; readonly userId: string | undefined; readonly failure: Failure }

export type AuthenticationFailure = Exclude<Authentication, { kind: 'actor' }>

export interface AuthenticatorOptions {
  readonly verifier: Verifier
  readonly blockedUsers: BlockedUsers
  /** Asks to call as another user. @default the token's user calls */
  readonly actAs?: ActAs | undefined
  /** Hears why a caller was not accepted; a caller never does. */
  readonly onFailure: (failure: AuthenticationFailure) => void
}

/** Verifies a request's token once, however often it is asked; whether its user is blocked it looks up each time. */
export class Authenticator {
  readonly #authorization: string | undefined
  readonly #options: AuthenticatorOptions
  #pending: Promise<Authentication> | undefined
  #verified: Authentication | undefined

  constructor(authorization: string | undefined, options: AuthenticatorOptions) {
    this.#authorization = authorization
    this.#options = options
  }

  /** Of a caller whose token was verified before. */
  static of(actor: Actor, options: AuthenticatorOptions): Authenticator {
    const authenticator = new Authenticator(undefined, options)
    authenticator.#verified = authenticator.#acting({ kind: 'actor', actor })
    return authenticator
  }

  /** Answers at once where it is known already. Never throws. */
  authenticate(): Authentication | Promise<Authentication> {
    return this.settled ?? this.#verify().then((verified) => this.#admit(verified))
  }

  /** Says who calls, whether or not they may: of a blocked user too. Never throws. */
  identify(): Authentication | Promise<Authentication> {
    return this.#verified ?? this.#verify()
  }

  /** The answer, if it is known at once. */
  get settled(): Authentication | undefined {
    const verified = this.#verified
    if (verified?.kind !== 'actor' || verified.actor.kind === 'anonymous') return verified
    const { userId } = verified.actor
    const admission = this.#options.blockedUsers.recall(userId)
    return admission && this.#judged(verified, userId, admission)
  }

  #verify(): Promise<Authentication> {
    if (this.#verified) return Promise.resolve(this.#verified)
    this.#pending ??= this.#decide().then((decided) => {
      if (decided.kind !== 'actor') this.#options.onFailure(decided)
      this.#verified = this.#acting(decided)
      return this.#verified
    })
    return this.#pending
  }

  /** Who calls, where a request asks to call as another user. */
  #acting(verified: Authentication): Authentication {
    const asked = this.#options.actAs
    if (!asked || verified.kind !== 'actor') return verified
    const acting = actAs(verified.actor, asked)
    if ('actor' in acting) return { kind: 'actor', actor: acting.actor }
    const userId = callingUserId(verified.actor)
    const failure: Authentication = { kind: 'not acting', userId, failure: acting.failure }
    this.#options.onFailure(failure)
    return failure
  }

  async #admit(verified: Authentication): Promise<Authentication> {
    if (verified.kind !== 'actor' || verified.actor.kind === 'anonymous') return verified
    const { userId } = verified.actor
    return this.#judged(verified, userId, await this.#options.blockedUsers.admit(userId))
  }

  #judged(verified: Authentication, userId: string, admission: Admission): Authentication {
    if (admission === 'admitted') return verified
    const failure = refusalOf(userId, admission)
    this.#options.onFailure(failure)
    return failure
  }

  async #decide(): Promise<Authentication> {
    const bearer = readBearer(this.#authorization)
    if (bearer.kind === 'none') return { kind: 'actor', actor: { kind: 'anonymous' } }
    if (bearer.kind === 'malformed')
      return { kind: 'refused', refusal: 'malformed', detail: 'The Authorization header is no Bearer token' }
    const verification = await this.#options.verifier.verify(bearer.token)
    if (verification.ok) return { kind: 'actor', actor: verification.actor }
    const { reason, refusal, detail } = verification
    return reason === 'invalid' ? { kind: 'refused', refusal, detail } : { kind: 'unavailable', detail }
  }
}

/** Why a user with a valid token may not call. */
function refusalOf(userId: string, admission: Exclude<Admission, 'admitted'>): AuthenticationFailure {
  return admission === 'blocked'
    ? { kind: 'blocked', userId }
    : { kind: 'unavailable', detail: 'It could not be read who is blocked' }
}

const RETRY_AFTER_SECONDS = 5
/** The only sentence that a blocked user is shown. */
const BLOCKED_MESSAGE = 'This user is blocked.'

/** Who calls, anonymous callers included, or the failure to answer with. Why a token was refused stays here. */
export function knownActor(
  authentication: Authentication,
): { readonly actor: Actor } | { readonly failure: Failure } {
  if (authentication.kind !== 'actor') return { failure: failureOf(authentication) }
  return { actor: authentication.actor }
}

function failureOf(failed: AuthenticationFailure): Failure {
  switch (failed.kind) {
    case 'not acting':
      return failed.failure
    case 'refused':
      return fail('UNAUTHORIZED', UNAUTHORIZED_MESSAGE)
    case 'blocked':
      return fail('FORBIDDEN', BLOCKED_MESSAGE)
    case 'unavailable':
      return fail('SERVICE_UNAVAILABLE', 'Callers cannot be verified at the moment; try again shortly.', {
        details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
      })
  }
}

/** The verified user of a call that needs one, or the failure to answer with. */
export function verifiedUser(
  authentication: Authentication,
): { readonly actor: UserActor } | { readonly failure: Failure } {
  const caller = knownActor(authentication)
  if ('failure' in caller) return caller
  return caller.actor.kind === 'user'
    ? { actor: caller.actor }
    : { failure: fail('UNAUTHORIZED', UNAUTHORIZED_MESSAGE) }
}

export type BearerHeader =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'malformed' }

// RFC 6750 §2.1: the scheme, spaces, one b64token. A comma is no part of b64token, so values that a proxy
// or a client joined never pass as one.
const BEARER = /^bearer +([a-z0-9\-._~+/]+=*)$/i

/** Reads an Authorization header (RFC 6750 §2.1). Any scheme but Bearer is malformed, not absent. */
export function readBearer(header: string | undefined): BearerHeader {
  if (header === undefined) return { kind: 'none' }
  const token = BEARER.exec(header)?.[1]
  return token === undefined ? { kind: 'malformed' } : { kind: 'token', token }
}
