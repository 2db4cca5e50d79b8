import { importSPKI, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'

export interface AuthOptions {
  readonly publicKeyPem: string
  readonly issuer: string
  readonly audience: string
}

const MAX_CACHED = 10_000

/** Makes a function that gives the user of an Authorization header; undefined when the token is not valid. */
export async function createAuthenticate({ publicKeyPem, issuer, audience }: AuthOptions) {
  const key = await importSPKI(publicKeyPem, 'ES256')
  const known = new LRUCache<string, { readonly userId: string; readonly expiresAt: number }>({
    max: MAX_CACHED,
  })
  return async (authorization: string | undefined): Promise<string | undefined> => {
    if (!authorization?.startsWith('Bearer ')) return undefined
    const token = authorization.slice('Bearer '.length)
    const cached = known.get(token)
    if (cached && cached.expiresAt > Date.now() / 1_000) return cached.userId
    try {
      const { payload } = await jwtVerify(token, key, { issuer, audience, algorithms: ['ES256'] })
      if (payload.sub === undefined || payload.exp === undefined) return undefined
      known.set(token, { userId: payload.sub, expiresAt: payload.exp })
      return payload.sub
    } catch {
      return undefined
    }
  }
}
