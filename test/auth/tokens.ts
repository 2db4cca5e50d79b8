import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { JWK } from 'jose'
import type { Verification } from '../../server/auth/verifier.ts'

export const ISSUER = 'https://issuer.example'
export const AUDIENCE = 'deputy-test'
const START = new Date('2026-11-02T09:00:00Z')
export const START_SECONDS = START.getTime() / 1_000

/** Claims that every rule accepts for an hour from START. */
export const GOOD_CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', exp: START_SECONDS + 3_600 }

export interface Signer {
  readonly publicJwk: JWK
  readonly pem: string
  /** Signs whatever it is given: odd headers and claims are what the tests are about. */
  sign(claims: unknown, header?: Record<string, unknown>): string
}

export function ecSigner(kid?: string): Signer {
  return signer('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), kid)
}

export function rsaSigner(kid?: string, modulusLength = 2_048): Signer {
  return signer('RS256', generateKeyPairSync('rsa', { modulusLength }), kid)
}

export function ed25519Signer(kid?: string): Signer {
  return signer('EdDSA', generateKeyPairSync('ed25519'), kid)
}

function signer(alg: string, pair: { publicKey: KeyObject; privateKey: KeyObject }, kid?: string): Signer {
  const ids = kid === undefined ? {} : { kid }
  const hash = alg === 'EdDSA' ? null : 'sha256'
  return {
    publicJwk: { ...pair.publicKey.export({ format: 'jwk' }), ...ids },
    pem: pair.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    sign: (claims, header = {}) =>
      encodeToken({ alg, ...ids, ...header }, claims, (input) =>
        sign(hash, Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }),
      ),
  }
}

/** Signs with HS256. */
export function signWithSecret(
  secret: string | Buffer,
  claims: unknown,
  header: Record<string, unknown> = {},
): string {
  return encodeToken({ alg: 'HS256', ...header }, claims, (input) =>
    createHmac('sha256', secret).update(input).digest(),
  )
}

/** Claims given as a string are taken as JSON text, for numbers that JSON.stringify cannot write. */
export function encodeToken(header: unknown, claims: unknown, signature: (input: string) => Buffer): string {
  const text = typeof claims === 'string' ? claims : JSON.stringify(claims)
  const input = [JSON.stringify(header), text]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')
  return `${input}.${signature(input).toString('base64url')}`
}

/** 'ada' for a token accepted as ada's, otherwise the reason. */
export function outcome(verification: Verification): string {
  return verification.ok ? verification.actor.userId : verification.reason
}

/** A clock that only the test moves. */
export function testClock() {
  let nowMs = START.getTime()
  return {
    read: () => new Date(nowMs),
    forward: (seconds: number) => {
      nowMs += seconds * 1_000
    },
  }
}
