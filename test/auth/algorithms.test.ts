import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { createKeySource, type KeyConfig } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { keySet, startKeyServer } from './key-server.ts'
import { AUDIENCE, GOOD_CLAIMS, ISSUER, outcome, testClock } from './tokens.ts'

async function judge(config: KeyConfig, token: string): Promise<string> {
  const { read: clock } = testClock()
  const keys = createKeySource(config, { clock })
  return outcome(await createVerifier({ keys, issuer: ISSUER, audience: AUDIENCE, clock }).verify(token))
}

test.each(['ES256', 'ES384', 'ES512', 'RS256', 'RS512', 'PS256', 'EdDSA'])(
  '%s verifies from a PEM and from a key set',
  async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    const token = await new SignJWT(GOOD_CLAIMS).setProtectedHeader({ alg, kid: '1' }).sign(privateKey)
    expect(await judge({ kind: 'publicKey', pem: await exportSPKI(publicKey) }, token)).toBe('ada')

    await using server = await startKeyServer(
      keySet({ ...(await exportJWK(publicKey)), kid: '1', alg, use: 'sig' }),
    )
    expect(await judge({ kind: 'jwks', url: server.url }, token)).toBe('ada')
  },
)

test.each(['RS384', 'PS384', 'PS512'])('%s is not on the list, whatever key signed it', async (alg) => {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const token = await new SignJWT(GOOD_CLAIMS).setProtectedHeader({ alg, kid: '1' }).sign(privateKey)
  expect(await judge({ kind: 'publicKey', pem: await exportSPKI(publicKey) }, token)).toBe('invalid')

  await using server = await startKeyServer(keySet({ ...(await exportJWK(publicKey)), kid: '1' }))
  expect(await judge({ kind: 'jwks', url: server.url }, token)).toBe('invalid')
  expect(server.requests).toBe(0)
})
