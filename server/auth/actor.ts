import type { JWTPayload } from 'jose'

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
