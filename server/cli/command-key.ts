import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createKeySource } from '../auth/key-source.ts'
import { createVerifier, type Verifier } from '../auth/verifier.ts'

const ISSUER = 'deputy-command'
const AUDIENCE = 'deputy'

/** A key that one command makes for itself: nothing but the app in its own process believes it. */
export interface CommandKey {
  readonly verifier: Verifier
  mint(userId: string, claims: Readonly<Record<string, unknown>>): Promise<string>
}

export async function createCommandKey(): Promise<CommandKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const keys = createKeySource({ kind: 'jwk', jwk: await exportJWK(publicKey) })
  return {
    verifier: createVerifier({ keys, issuer: ISSUER, audience: AUDIENCE }),
    mint: (userId, claims) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(userId)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
  }
}
