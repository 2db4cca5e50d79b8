import type { JWTPayload } from 'jose'

/** A caller whose token was verified. */
export interface UserActor {
  readonly kind: 'user'
  /** The token's `sub`: 1…255 printable characters. */
  readonly userId: string
  /** The verified claims. */
  readonly claims: JWTPayload
  /** The raw Bearer token, to forward where an upstream must see the user. Never logged, never returned. */
  readonly token: string
}

export interface AnonymousActor {
  readonly kind: 'anonymous'
}

export type Actor = UserActor | AnonymousActor
