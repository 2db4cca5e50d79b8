type Token = string | (() => string | undefined | Promise<string | undefined>) | undefined

/** Knows whose token was sent last, as the token says: enough to show what the user makes, and to trust with nothing. */
export class TokenUser {
  #userId: string | undefined

  /** The user's id; undefined before the first request, and where the token does not say it. */
  get userId(): string | undefined {
    return this.#userId
  }

  /** Gets tokens as before, and reads whose they are. */
  following(token: Token): () => Promise<string | undefined> {
    return async () => {
      const given = typeof token === 'function' ? await token() : token
      this.#userId = given === undefined ? undefined : subjectOf(given)
      return given
    }
  }
}

/** Reads the subject of a JWT (RFC 7519, 4.1.2); undefined for what is none. */
function subjectOf(token: string): string | undefined {
  try {
    const [, payload = ''] = token.split('.')
    const bytes = atob(payload.replaceAll('-', '+').replaceAll('_', '/'))
    const { sub } = JSON.parse(bytes)
    return typeof sub === 'string' ? sub : undefined
  } catch {
    return undefined
  }
}
