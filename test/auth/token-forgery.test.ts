import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createKeySource, type KeyConfig } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { keySet, startKeyServer } from './key-server.ts'
import {
  AUDIENCE,
  ecSigner,
  ed25519Signer,
  encodeToken,
  GOOD_CLAIMS,
  ISSUER,
  outcome,
  rsaSigner,
  type Signer,
  signWithSecret,
  testClock,
} from './tokens.ts'

const secret = randomBytes(24).toString('base64')
const ec = ecSigner('ec')
const rsa = rsaSigner('rsa')
const ed = ed25519Signer('ed')
const attacker = ecSigner('ec')
const unsigned = (alg: string) => encodeToken({ alg, kid: 'ec' }, GOOD_CLAIMS, () => Buffer.alloc(0))

function verifierWith(config: KeyConfig) {
  const clock = testClock()
  const keys = createKeySource(config, { clock: clock.read })
  return createVerifier({ keys, issuer: ISSUER, audience: AUDIENCE, clock: clock.read })
}

const FORGERIES: readonly (readonly [string, string])[] = [
  ['alg none', unsigned('none')],
  ['alg None', unsigned('None')],
  ['alg NONE with a signature', encodeToken({ alg: 'NONE' }, GOOD_CLAIMS, () => randomBytes(64))],
  ['no alg', encodeToken({}, GOOD_CLAIMS, () => randomBytes(64))],
  ['alg as an array', ec.sign(GOOD_CLAIMS, { alg: ['ES256'] })],
  ['HS256 with the EC public key as secret', signWithSecret(ec.pem, GOOD_CLAIMS, { kid: 'ec' })],
  ['HS256 with the RSA public key as secret', signWithSecret(rsa.pem, GOOD_CLAIMS, { kid: 'rsa' })],
  ['HS256 with an empty secret', signWithSecret('', GOOD_CLAIMS)],
  ['another key under a known kid', attacker.sign(GOOD_CLAIMS)],
  ['an embedded jwk', attacker.sign(GOOD_CLAIMS, { jwk: attacker.publicJwk })],
  ['an embedded jwk without kid', attacker.sign(GOOD_CLAIMS, { kid: undefined, jwk: attacker.publicJwk })],
  ['an all-zero signature', encodeToken({ alg: 'ES256', kid: 'ec' }, GOOD_CLAIMS, () => Buffer.alloc(64))],
  ['no signature', encodeToken({ alg: 'ES256', kid: 'ec' }, GOOD_CLAIMS, () => Buffer.alloc(0))],
  ['an unknown crit', ec.sign(GOOD_CLAIMS, { crit: ['exp'] })],
  ['crit b64', ec.sign(GOOD_CLAIMS, { crit: ['b64'], b64: true })],
  ['an empty crit', ec.sign(GOOD_CLAIMS, { crit: [] })],
]

const SOURCES: readonly (readonly [string, KeyConfig, string])[] = [
  ['an EC key', { kind: 'publicKey', pem: ec.pem }, ec.sign(GOOD_CLAIMS)],
  ['an RSA key', { kind: 'publicKey', pem: rsa.pem }, rsa.sign(GOOD_CLAIMS)],
  ['an Ed25519 key', { kind: 'publicKey', pem: ed.pem }, ed.sign(GOOD_CLAIMS)],
  ['a secret', { kind: 'secret', secret }, signWithSecret(secret, GOOD_CLAIMS)],
  ['a JWK', { kind: 'jwk', jwk: ec.publicJwk }, ec.sign(GOOD_CLAIMS)],
]

describe.each(SOURCES)('%s', (_, config, good) => {
  const verifier = verifierWith(config)

  test('verifies its own token', async () => {
    expect(outcome(await verifier.verify(good))).toBe('ada')
  })

  test.each(FORGERIES)('refuses %s', async (_, token) => {
    expect(outcome(await verifier.verify(token))).toBe('invalid')
  })

  test.each(SOURCES.filter(([, , other]) => other !== good && !isSameKey(config, other)))(
    'refuses a token of %s',
    async (_, __, other) => {
      expect(outcome(await verifier.verify(other))).toBe('invalid')
    },
  )
})

/** The EC key is configured twice, as PEM and as JWK. */
function isSameKey(config: KeyConfig, token: string): boolean {
  const header = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()
  const isEc = config.kind === 'jwk' || (config.kind === 'publicKey' && config.pem === ec.pem)
  return isEc && header.includes('ES256')
}

describe('a key set', () => {
  test.each(FORGERIES)('refuses %s, after one fetch at most', async (_, token) => {
    await using server = await startKeyServer(keySet(ec.publicJwk, rsa.publicJwk))
    const verifier = verifierWith({ kind: 'jwks', url: server.url })
    expect(outcome(await verifier.verify(token))).toBe('invalid')
    expect(server.requests).toBeLessThanOrEqual(1)
  })

  test.each(['jku', 'x5u'])('refuses a %s, and nobody asks the address in it', async (name) => {
    await using trap = await startKeyServer(keySet(attacker.publicJwk))
    await using server = await startKeyServer(keySet(ec.publicJwk))
    const verifier = verifierWith({ kind: 'jwks', url: server.url })
    for (const kid of ['ec', 'unknown', undefined]) {
      const token = attacker.sign(GOOD_CLAIMS, { [name]: trap.url.href, kid })
      expect(outcome(await verifier.verify(token))).toBe('invalid')
    }
    expect(trap.requests).toBe(0)
    expect(server.requests).toBe(1)
  })

  test.each(['../../../../dev/null', 'file:///dev/null', '__proto__', 'constructor', ''])(
    'finds no key under the kid %j',
    async (kid) => {
      await using server = await startKeyServer(keySet(ec.publicJwk))
      const verifier = verifierWith({ kind: 'jwks', url: server.url })
      expect(outcome(await verifier.verify(ec.sign(GOOD_CLAIMS, { kid })))).toBe('invalid')
    },
  )

  test.each([[1], [{}], [{ toString: 'ec' }], [['ec']], [null], [true]])(
    'refuses the kid %j without a fetch',
    async (kid) => {
      await using server = await startKeyServer(keySet(ec.publicJwk))
      const verifier = verifierWith({ kind: 'jwks', url: server.url })
      expect(outcome(await verifier.verify(ec.sign(GOOD_CLAIMS, { kid })))).toBe('invalid')
      expect(server.requests).toBe(0)
    },
  )

  test('refuses a token whose alg does not fit the key under its kid', async () => {
    await using server = await startKeyServer(keySet(ec.publicJwk, rsa.publicJwk))
    const verifier = verifierWith({ kind: 'jwks', url: server.url })
    expect(outcome(await verifier.verify(rsa.sign(GOOD_CLAIMS, { kid: 'ec' })))).toBe('invalid')
    expect(outcome(await verifier.verify(rsa.sign(GOOD_CLAIMS)))).toBe('ada')
  })

  test('does not use a symmetric key it publishes', async () => {
    const k = Buffer.from(secret).toString('base64url')
    await using server = await startKeyServer(keySet({ kty: 'oct', kid: 'oct', k }))
    const verifier = verifierWith({ kind: 'jwks', url: server.url })
    expect(outcome(await verifier.verify(signWithSecret(secret, GOOD_CLAIMS, { kid: 'oct' })))).toBe(
      'invalid',
    )
  })

  test('tries each key that fits a token without kid', async () => {
    const signers: readonly Signer[] = [ecSigner('1'), ecSigner('2'), ecSigner('3')]
    await using server = await startKeyServer(keySet(...signers.map((signer) => signer.publicJwk)))
    const verifier = verifierWith({ kind: 'jwks', url: server.url })
    for (const signer of signers) {
      expect(outcome(await verifier.verify(signer.sign(GOOD_CLAIMS, { kid: undefined })))).toBe('ada')
    }
    expect(outcome(await verifier.verify(attacker.sign(GOOD_CLAIMS, { kid: undefined })))).toBe('invalid')
    expect(server.requests).toBe(1)
  })
})
