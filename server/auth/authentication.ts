import { UNAUTHORIZED_MESSAGE } from '../errors.ts'
import { type Failure, fail } from '../result.ts'
import type { Actor, UserActor } from './actor.ts'
import { readBearer } from './bearer.ts'
import type { Verifier } from './verifier.ts'

/** What came of a request's Authorization header. */
export type Authentication =
  | { readonly kind: 'actor'; readonly actor: Actor }
  /** There is a token, and it is not valid. It is never taken for no token. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** The keys cannot be had at the moment. */
  | { readonly kind: 'unavailable'; readonly detail: string }

export type AuthenticationFailure = Exclude<Authentication, { kind: 'actor' }>

/** Authenticates a request once, however often it is asked. */
export class Authenticator {
  readonly #authorization: string | undefined
  readonly #verifier: Verifier
  readonly #onFailure: (failure: AuthenticationFailure) => void
  #pending: Promise<Authentication> | undefined
  #settled: Authentication | undefined

  /** `onFailure` hears once why a token was not accepted; a caller never does. */
  constructor(
    authorization: string | undefined,
    verifier: Verifier,
    onFailure: (failure: AuthenticationFailure) => void,
  ) {
    this.#authorization = authorization
    this.#verifier = verifier
    this.#onFailure = onFailure
  }

  /** Of a caller who is known already. */
  static of(actor: Actor, verifier: Verifier): Authenticator {
    const authenticator = new Authenticator(undefined, verifier, () => {})
    authenticator.#settled = { kind: 'actor', actor }
    authenticator.#pending = Promise.resolve(authenticator.#settled)
    return authenticator
  }

  /** Never throws. */
  authenticate(): Promise<Authentication> {
    this.#pending ??= this.#decide().then((authentication) => {
      this.#settled = authentication
      if (authentication.kind !== 'actor') this.#onFailure(authentication)
      return authentication
    })
    return this.#pending
  }

  /** The answer, if `authenticate` has been awaited before. */
  get settled(): Authentication | undefined {
    return this.#settled
  }

  async #decide(): Promise<Authentication> {
    const bearer = readBearer(this.#authorization)
    if (bearer.kind === 'none') return { kind: 'actor', actor: { kind: 'anonymous' } }
    if (bearer.kind === 'malformed')
      return { kind: 'refused', detail: 'The Authorization header is no Bearer token' }
    const verification = await this.#verifier.verify(bearer.token)
    if (verification.ok) return { kind: 'actor', actor: verification.actor }
    return {
      kind: verification.reason === 'invalid' ? 'refused' : 'unavailable',
      detail: verification.detail,
    }
  }
}

const RETRY_AFTER_SECONDS = 5

/** Who calls, anonymous callers included, or the failure to answer with. Why a token was refused stays here. */
export function knownActor(
  authentication: Authentication,
): { readonly actor: Actor } | { readonly failure: Failure } {
  if (authentication.kind === 'unavailable') {
    const details = { retryAfterSeconds: RETRY_AFTER_SECONDS }
    return {
      failure: fail('SERVICE_UNAVAILABLE', 'Tokens cannot be verified at the moment; try again shortly.', {
        details,
      }),
    }
  }
  if (authentication.kind === 'refused') return { failure: fail('UNAUTHORIZED', UNAUTHORIZED_MESSAGE) }
  return { actor: authentication.actor }
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
