/** How people sign in to the console with their account at an OpenID provider. All of it is public. */
export interface ConsoleSignIn {
  /** As the provider writes it in its tokens, with or without a slash at its end. */
  readonly issuer: string
  readonly clientId: string
  /** Scopes with spaces between them; `openid` is one. */
  readonly scope: string
  /** Which of the provider's tokens calls are made with. */
  readonly token: (typeof SIGN_IN_TOKENS)[number]
  /** What access tokens are for, as Auth0 is asked. */
  readonly audience?: string | undefined
  /** What access tokens are for (RFC 8707). */
  readonly resource?: string | undefined
  /** Where a code is exchanged for tokens, if not at the issuer's own origin. */
  readonly tokenOrigin?: string | undefined
}

export const SIGN_IN_TOKENS = ['access', 'id'] as const

/** Under which name the page says how people sign in. */
const META_NAME = 'deputy-console-sign-in'

/** Names the origins that the console calls to sign a person in: whatever else a provider describes, it cannot reach. */
export function signInOrigins({ issuer, tokenOrigin }: ConsoleSignIn): readonly string[] {
  return [...new Set([new URL(issuer).origin, tokenOrigin ?? []].flat())]
}

/** Writes what the page's script reads, which finds it without a request and without a script in the page. */
export function signInMeta(signIn: ConsoleSignIn): string {
  return `<meta name="${META_NAME}" content="${escaped(JSON.stringify(signIn))}">`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}
