import { createPublicKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'

export interface StaticKey {
  readonly algorithms: readonly string[]
  readonly key: KeyObject | Uint8Array
}

const MIN_SECRET_BYTES = 32
const MIN_RSA_BITS = 2048

const SPKI_PEM = /^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----$/

const CURVE_ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'ES256'],
  ['secp384r1', 'ES384'],
  ['secp521r1', 'ES512'],
])

/**
 * Reads one public key in SPKI PEM; "\n" may be written as two characters.
 * @throws Error that says what is wrong with the key and what would be right; it never quotes the key.
 */
export function readPublicKey(pem: string): StaticKey {
  const text = pem.replaceAll('\\n', '\n').trim()
  // createPublicKey would also take a private key or a certificate: neither belongs here.
  if (!SPKI_PEM.test(text)) throw new Error(`The public key ${describeWrongPem(text)}`)
  try {
    return fitAlgorithms(createPublicKey({ key: text, format: 'pem', type: 'spki' }))
  } catch (error) {
    if (error instanceof UnfitKeyError) throw error
    throw new Error('The public key cannot be decoded: copy the whole PEM block, unchanged.', {
      cause: error,
    })
  }
}

/**
 * Reads a shared secret for HS256 (RFC 7518 §3.2).
 * @throws Error when it is shorter than 32 bytes.
 */
export function readSecret(secret: string): StaticKey {
  const key = new TextEncoder().encode(secret)
  if (key.byteLength < MIN_SECRET_BYTES) {
    throw new Error(
      `The secret has ${key.byteLength} bytes; HS256 needs at least ${MIN_SECRET_BYTES}: make one with "openssl rand -base64 48".`,
    )
  }
  return { algorithms: ['HS256'], key }
}

/**
 * Reads a public ES256 key in JWK form.
 * @throws Error when it is another kind of key, or holds its private part.
 */
export function readPublicJwk(jwk: JWK): StaticKey {
  const { kty, crv, x, y, d } = jwk
  if (d !== undefined) throw new Error('The JWK holds a private key; only its public part belongs here.')
  if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined) {
    throw new Error('The JWK is not a public ES256 key; it needs kty "EC", crv "P-256", x and y.')
  }
  try {
    return { algorithms: ['ES256'], key: createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' }) }
  } catch (error) {
    throw new Error('The JWK names no point on the curve P-256: copy x and y unchanged.', { cause: error })
  }
}

class UnfitKeyError extends Error {}

function fitAlgorithms(key: KeyObject): StaticKey {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'ed25519') return { algorithms: ['EdDSA'], key }
  if (type === 'rsa') {
    const bits = details?.modulusLength ?? 0
    if (bits >= MIN_RSA_BITS) return { algorithms: ['RS256', 'RS512', 'PS256'], key }
    throw new UnfitKeyError(`The public key is RSA with ${bits} bits; at least ${MIN_RSA_BITS} are needed.`)
  }
  const algorithm = type === 'ec' ? CURVE_ALGORITHMS.get(details?.namedCurve ?? '') : undefined
  if (algorithm !== undefined) return { algorithms: [algorithm], key }
  const name = [type, details?.namedCurve].filter(Boolean).join(' ')
  throw new UnfitKeyError(
    `The public key has the unsupported type ${name}; use EC on P-256, P-384 or P-521, RSA with at least ${MIN_RSA_BITS} bits, or Ed25519.`,
  )
}

function describeWrongPem(text: string): string {
  if (text.includes('PRIVATE KEY-----')) {
    return 'is a private key: keep that one secret, and give its public part ("openssl pkey -pubout").'
  }
  if (text.includes('BEGIN CERTIFICATE-----')) {
    return 'is a certificate: give the key inside it ("openssl x509 -pubkey -noout").'
  }
  return 'is not in SPKI PEM: it must be one block from "-----BEGIN PUBLIC KEY-----" to "-----END PUBLIC KEY-----".'
}
