import { exportSPKI, generateKeyPair, SignJWT } from 'jose'

/** A key made for the run, and a token of it for everybody who calls. */
export interface Tokens {
  readonly issuer: string
  readonly audience: string
  readonly publicKeyPem: string
  /** @throws {Error} for a user without a token */
  of(userId: string): string
}

export const OWNER = 'owner'
const ISSUER = 'https://issuer.bench'
const AUDIENCE = 'deputy-bench'

export async function createTokens(userIds: readonly string[]): Promise<Tokens> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const tokens = new Map<string, string>()
  for (const userId of userIds) {
    const token = new SignJWT()
      .setProtectedHeader({ alg: 'ES256' })
      .setSubject(userId)
      .setExpirationTime('1d')
    tokens.set(userId, await token.setIssuer(ISSUER).setAudience(AUDIENCE).sign(privateKey))
  }
  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    publicKeyPem: await exportSPKI(publicKey),
    of(userId) {
      const token = tokens.get(userId)
      if (token === undefined) throw new Error(`There is no token for ${userId}`)
      return token
    },
  }
}
