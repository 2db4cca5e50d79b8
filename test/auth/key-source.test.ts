import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createKeySource } from '../../server/auth/key-source.ts'
import { ecSigner } from './tokens.ts'

// limits.md: secret, rsa

const toPem = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString()
const ecPem = (namedCurve: string) => toPem(generateKeyPairSync('ec', { namedCurve }).publicKey)
const rsaPem = (modulusLength: number) => toPem(generateKeyPairSync('rsa', { modulusLength }).publicKey)
const fromPem = (pem: string) => createKeySource({ kind: 'publicKey', pem })

const P256 = ecPem('P-256')

test('a key set allows the asymmetric algorithms only', () => {
  const { algorithms } = createKeySource({ kind: 'jwks', url: new URL('https://keys.example') })
  expect(algorithms).toEqual(['ES256', 'ES384', 'ES512', 'RS256', 'RS512', 'PS256', 'EdDSA'])
})

test.each([
  ['file:///etc/keys.json', 'must start with "https:" or "http:"'],
  ['data:application/json,{"keys":[]}', 'must start with "https:" or "http:"'],
  ['https://user:secret@keys.example', 'holds a user name or password'],
])('a key set at %s is refused', (url, message) => {
  expect(() => createKeySource({ kind: 'jwks', url: new URL(url) })).toThrow(message)
})

describe('a PEM allows what fits its key', () => {
  test.each([
    ['P-256', P256, ['ES256']],
    ['P-384', ecPem('P-384'), ['ES384']],
    ['P-521', ecPem('P-521'), ['ES512']],
    ['RSA 2048', rsaPem(2_048), ['RS256', 'RS512', 'PS256']],
    ['Ed25519', toPem(generateKeyPairSync('ed25519').publicKey), ['EdDSA']],
  ])('%s', (_, pem, algorithms) => {
    expect(fromPem(pem).algorithms).toEqual(algorithms)
  })
})

test.each([
  ['"\\n" written as two characters', P256.replaceAll('\n', '\\n')],
  ['CRLF', P256.replaceAll('\n', '\r\n')],
  ['space around it', `\n  ${P256}\n`],
])('a PEM is read with %s', (_, pem) => {
  expect(fromPem(pem).algorithms).toEqual(['ES256'])
})

const ecPair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsaPair = generateKeyPairSync('rsa', { modulusLength: 2_048 })

test.each([
  ['empty text', '', 'not in SPKI PEM'],
  ['other text', 'hello', 'not in SPKI PEM'],
  ['a bare body', P256.split('\n').slice(1, -2).join(''), 'not in SPKI PEM'],
  ['two keys', `${P256}${P256}`, 'not in SPKI PEM'],
  ['PKCS#1', rsaPair.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString(), 'not in SPKI PEM'],
  [
    'a private key',
    ecPair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    'is a private key',
  ],
  [
    'a SEC1 private key',
    ecPair.privateKey.export({ format: 'pem', type: 'sec1' }).toString(),
    'is a private key',
  ],
  ['a certificate', P256.replaceAll('PUBLIC KEY', 'CERTIFICATE'), 'is a certificate'],
  ['a cut-off key', P256.replace(/.{20}(?=\n-----END)/, ''), 'cannot be decoded'],
  ['RSA 1024', rsaPem(1_024), 'RSA with 1024 bits; at least 2048'],
  ['secp256k1', ecPem('secp256k1'), 'unsupported type ec secp256k1'],
  ['X25519', toPem(generateKeyPairSync('x25519').publicKey), 'unsupported type x25519'],
  ['Ed448', toPem(generateKeyPairSync('ed448').publicKey), 'unsupported type ed448'],
  [
    'RSA-PSS',
    toPem(generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).publicKey),
    'unsupported type rsa-pss',
  ],
])('%s is refused as a public key, and not quoted', (_, pem, message) => {
  const body = pem.split('\n')[1] ?? ''
  expect(() => fromPem(pem)).toThrow(message)
  if (body.length > 0) expect(() => fromPem(pem)).not.toThrow(body)
})

test('a secret has at least 32 bytes', () => {
  expect(() => createKeySource({ kind: 'secret', secret: 'x'.repeat(31) })).toThrow(
    '31 bytes; HS256 needs at least 32',
  )
  expect(createKeySource({ kind: 'secret', secret: 'x'.repeat(32) }).algorithms).toEqual(['HS256'])
  expect(createKeySource({ kind: 'secret', secret: 'é'.repeat(16) }).algorithms).toEqual(['HS256'])
})

describe('a JWK', () => {
  const { publicJwk } = ecSigner()

  test('allows ES256', () => {
    expect(createKeySource({ kind: 'jwk', jwk: publicJwk }).algorithms).toEqual(['ES256'])
  })

  test.each([
    ['its private part', ecPair.privateKey.export({ format: 'jwk' }), 'private key'],
    ['RSA', rsaPair.publicKey.export({ format: 'jwk' }), 'not a public ES256 key'],
    ['P-384', createPublicKey(ecPem('P-384')).export({ format: 'jwk' }), 'not a public ES256 key'],
    ['a secret', { kty: 'oct', k: 'AAAA' }, 'not a public ES256 key'],
    ['a point off the curve', { ...publicJwk, y: 'A'.repeat(43) }, 'no point on the curve'],
  ])('that is or holds %s is refused', (_, jwk, message) => {
    expect(() => createKeySource({ kind: 'jwk', jwk })).toThrow(message)
  })
})
