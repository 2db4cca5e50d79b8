import type { JWTPayload } from 'jose'
import { UNAUTHORIZED_MESSAGE } from '../core/errors.ts'
import { type Failure, fail } from '../core/result.ts'

/** Letters, marks, numbers, punctuation, symbols and plain spaces; `u` makes a lone surrogate match none of them. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,255}$/u

/** What a user id may be, as the end of a sentence that names the wrong one. */
export const USER_ID_RULE = '1 to 255 printable characters'

/** Whether a value can name a user: 1…255 printable characters, never `__proto__`. */
export function isUserId(value: unknown): value is string {
  return typeof value === 'string' && value !== '__proto__' && PRINTABLE.test(value)
}

/** A caller whose token was verified, or a user as whom the app does something without a token. */
export interface UserActor {
  readonly kind: 'user'
  /** The token's `sub`: 1…255 printable characters. */
  readonly userId: string
  /** The verified claims; without a token the subject alone. */
  readonly claims: JWTPayload
  /** The raw Bearer token, to forward where an upstream must see the user. Never logged, never returned. Undefined without one. */
  readonly token: string | undefined
  /** The app's owner, where they call as this user. */
  readonly actedBy?: {
    readonly userId: string
    /** When the owner's token ends, in seconds since 1970; undefined without one. */
    readonly expiresAtSeconds: number | undefined
  }
}

export interface AnonymousActor {
  readonly kind: 'anonymous'
}

export type Actor = UserActor | AnonymousActor

/** The user who has made a call: the owner where they act as someone; undefined for one without a token. */
export function callingUserId(actor: Actor): string | undefined {
  return actor.kind === 'user' ? (actor.actedBy?.userId ?? actor.userId) : undefined
}

/** Makes the actor of what is done as a user without a token of theirs. @param actedBy the owner who does it, if not the app */
export function actorAs(userId: string, actedBy?: UserActor['actedBy']): UserActor {
  return {
    kind: 'user',
    userId,
    claims: Object.freeze({ sub: userId }),
    token: undefined,
    ...(actedBy && { actedBy }),
  }
}

/** Names the user as whom the app's owner calls. */
export const ACT_AS_HEADER = 'deputy-act-as'

/** A request to call as another user. */
export interface ActAs {
  /** The user's id as the header has it, percent-encoded. */
  readonly header: string
  readonly ownerUserId: string | undefined
  /** Whether this server takes it at all. */
  readonly isAllowed: boolean
}

/** What comes of a request to call as another user: the actor that it is made as, or why it is refused. */
export type Acting = { readonly actor: UserActor } | { readonly failure: Failure }

/**
 * Makes the actor of a call that the owner makes as another user: that user without a token of theirs, so that their
 * role is what their row says. Whether they exist is not asked: no answer before the rules tells of it.
 *
 * @param caller who the token says that calls
 */
export function actAs(caller: Actor, { header, ownerUserId, isAllowed }: ActAs): Acting {
  if (caller.kind === 'anonymous') return refused('UNAUTHORIZED', UNAUTHORIZED_MESSAGE)
  if (caller.userId !== ownerUserId)
    return refused('FORBIDDEN', "Only the app's owner may call as another user: leave Deputy-Act-As out.")
  if (!isAllowed)
    return refused('FORBIDDEN', 'This server does not take Deputy-Act-As: it is started without ACT_AS=on.')
  const userId = decoded(header)
  if (!isUserId(userId))
    return refused(
      'BAD_REQUEST',
      `Deputy-Act-As must be one user's id, percent-encoded as in an address: ${USER_ID_RULE}.`,
    )
  return { actor: actorAs(userId, { userId: caller.userId, expiresAtSeconds: caller.claims.exp }) }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function refused(code: 'UNAUTHORIZED' | 'FORBIDDEN' | 'BAD_REQUEST', message: string): Acting {
  return { failure: fail(code, message) }
}
