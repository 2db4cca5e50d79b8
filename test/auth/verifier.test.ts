import { describe, expect, test } from 'vitest'
import { createKeySource, type KeySource } from '../../server/auth/key-source.ts'
import { createVerifier, type VerifierOptions } from '../../server/auth/verifier.ts'
import { AUDIENCE, ecSigner, GOOD_CLAIMS, ISSUER, outcome, START_SECONDS, testClock } from './tokens.ts'

// limits.md: clock

const signer = ecSigner()
const keys = createKeySource({ kind: 'publicKey', pem: signer.pem })

function verifierAt(clock = testClock(), options: Partial<VerifierOptions> = {}) {
  return createVerifier({ keys, issuer: ISSUER, audience: AUDIENCE, clock: clock.read, ...options })
}

async function judge(claims: unknown, options: Partial<VerifierOptions> = {}): Promise<string> {
  const token = signer.sign(claims)
  const verification = await verifierAt(testClock(), options).verify(token)
  if (!verification.ok) expect(verification.detail).not.toContain(token.slice(0, 20))
  return outcome(verification)
}

/** The good claims with one replaced; undefined leaves it out. */
const withClaim = (name: string, value: unknown) => ({ ...GOOD_CLAIMS, [name]: value })

const ALREADY = START_SECONDS - 60

describe('a claim decides', () => {
  test.each([
    ['exp', START_SECONDS + 1, 'ada'],
    ['exp', START_SECONDS - 4, 'ada'],
    ['exp', START_SECONDS + 0.5, 'ada'],
    ['exp', 253_402_300_799, 'ada'],
    ['exp', START_SECONDS - 5, 'invalid'],
    ['exp', ALREADY, 'invalid'],
    ['exp', undefined, 'invalid'],
    ['exp', null, 'invalid'],
    ['exp', String(START_SECONDS + 3_600), 'invalid'],
    ['exp', (START_SECONDS + 3_600) * 1_000, 'invalid'],
    ['exp', 253_402_300_800, 'invalid'],
    ['exp', 1e308, 'invalid'],
    ['exp', 0, 'invalid'],
    ['exp', -1, 'invalid'],
    ['nbf', ALREADY, 'ada'],
    ['nbf', START_SECONDS + 5, 'ada'],
    ['nbf', START_SECONDS + 6, 'invalid'],
    ['nbf', String(ALREADY), 'invalid'],
    ['nbf', null, 'invalid'],
    ['iat', ALREADY, 'ada'],
    ['iat', START_SECONDS + 5, 'ada'],
    ['iat', START_SECONDS + 6, 'invalid'],
    ['iat', START_SECONDS + 3_600, 'invalid'],
    ['iat', String(ALREADY), 'invalid'],
    ['iat', null, 'invalid'],
    ['iss', undefined, 'invalid'],
    ['iss', null, 'invalid'],
    ['iss', [ISSUER], 'invalid'],
    ['iss', `${ISSUER}/`, 'invalid'],
    ['iss', ISSUER.toUpperCase(), 'invalid'],
    ['aud', [AUDIENCE], 'ada'],
    ['aud', ['another', AUDIENCE], 'ada'],
    ['aud', undefined, 'invalid'],
    ['aud', null, 'invalid'],
    ['aud', 'another', 'invalid'],
    ['aud', ['another'], 'invalid'],
    ['aud', [], 'invalid'],
    ['aud', [[AUDIENCE]], 'invalid'],
    ['aud', `${AUDIENCE} another`, 'invalid'],
    ['aud', { 0: AUDIENCE, length: 1 }, 'invalid'],
    ['aud', { [AUDIENCE]: true }, 'invalid'],
  ])('%s %j: %s', async (name, value, expected) => {
    expect(await judge(withClaim(name, value))).toBe(expected)
  })

  test.each([
    'a',
    'auth0|5f7c8ec7c33c6c004bbafe82',
    'Zoë Müller',
    '日本',
    'é',
    'x'.repeat(255),
    '😀'.repeat(255),
  ])('sub %j names its user', async (sub) => {
    expect(await judge(withClaim('sub', sub))).toBe(sub)
  })

  test.each([
    [undefined],
    [null],
    [42],
    [''],
    [{}],
    [['ada']],
    [true],
    ['ada\0'],
    ['ada\n'],
    ['a\tb'],
    ['ada\u00a0lovelace'],
    ['ada\u202e'],
    ['\ud800'],
    ['ada\udc00'],
    ['x'.repeat(256)],
    ['x'.repeat(5_000)],
    ['__proto__'],
  ])('sub %j names nobody', async (sub) => {
    expect(await judge(withClaim('sub', sub))).toBe('invalid')
  })

  test.each(['1e999', '-1e999'])('exp %s, which JSON reads as an infinity, is refused', async (number) => {
    expect(await judge(JSON.stringify(withClaim('exp', 'N')).replace('"N"', number))).toBe('invalid')
  })

  test.each(['null', '[]', '"ada"', '1', '{', ''])('claims that are %j are refused', async (text) => {
    expect(await judge(text)).toBe('invalid')
  })
})

describe('the audience "none"', () => {
  test.each([
    [undefined, 'ada'],
    [null, 'invalid'],
    ['none', 'invalid'],
    [AUDIENCE, 'invalid'],
    [[], 'invalid'],
  ])('meets aud %j: %s', async (aud, expected) => {
    expect(await judge(withClaim('aud', aud), { audience: 'none' })).toBe(expected)
  })
})

describe('a list of authorized parties', () => {
  test.each([
    ['web', 'ada'],
    ['mobile', 'ada'],
    ['another', 'invalid'],
    [undefined, 'invalid'],
    [null, 'invalid'],
    [['web'], 'invalid'],
  ])('meets azp %j: %s', async (azp, expected) => {
    expect(await judge(withClaim('azp', azp), { authorizedParties: ['web', 'mobile'] })).toBe(expected)
  })

  test('is not asked for when it is not set', async () => {
    expect(await judge(withClaim('azp', 'anything'))).toBe('ada')
  })
})

test('an actor carries the verified claims and the token', async () => {
  const token = signer.sign({ ...GOOD_CLAIMS, role: 'editor' })
  const verification = await verifierAt().verify(token)
  expect(verification).toEqual({
    ok: true,
    actor: { kind: 'user', userId: 'ada', claims: { ...GOOD_CLAIMS, role: 'editor' }, token },
  })
})

test('claims are frozen all the way down, because calls share them', async () => {
  const token = signer.sign({ ...GOOD_CLAIMS, app_metadata: { roles: ['reader'] } })
  const verification = await verifierAt().verify(token)
  const claims: Record<string, unknown> = verification.ok ? verification.actor.claims : {}
  expect(Object.isFrozen(claims)).toBe(true)
  expect(Object.isFrozen(claims.app_metadata)).toBe(true)
  expect(Reflect.get(Object(claims.app_metadata), 'roles')).toSatisfy(Object.isFrozen)
})

test.each(['', '.', '..', 'a.b', 'a.b.c', 'a.b.c.d.e', 'not a token', '\0', 'ä.ä.ä'])(
  '%j is no token',
  async (token) => {
    expect(outcome(await verifierAt().verify(token))).toBe('invalid')
  },
)

test('a token longer than 16 KiB is refused unread', async () => {
  const pad = (length: number) => signer.sign({ ...GOOD_CLAIMS, pad: 'x'.repeat(length) })
  const counted = countKeyLookups()
  const verifier = verifierAt(testClock(), { keys: counted.keys })
  expect(outcome(await verifier.verify(pad(12_000)))).toBe('ada')
  expect(counted.lookups).toBe(1)
  expect(outcome(await verifier.verify(pad(12_500)))).toBe('invalid')
  expect(counted.lookups).toBe(1)
})

describe('a verified token', () => {
  test('is remembered until it expires, not a moment longer', async () => {
    const clock = testClock()
    const counted = countKeyLookups()
    const verifier = verifierAt(clock, { keys: counted.keys })
    const token = signer.sign({ ...GOOD_CLAIMS, exp: START_SECONDS + 60 })
    expect(outcome(await verifier.verify(token))).toBe('ada')
    clock.forward(59)
    expect(outcome(await verifier.verify(token))).toBe('ada')
    expect(counted.lookups).toBe(1)
    clock.forward(5)
    expect(outcome(await verifier.verify(token))).toBe('ada')
    expect(counted.lookups).toBe(2)
    clock.forward(1)
    expect(outcome(await verifier.verify(token))).toBe('invalid')
  })

  test('is remembered for five minutes at most', async () => {
    const clock = testClock()
    const counted = countKeyLookups()
    const verifier = verifierAt(clock, { keys: counted.keys })
    const token = signer.sign(GOOD_CLAIMS)
    await verifier.verify(token)
    clock.forward(299)
    await verifier.verify(token)
    expect(counted.lookups).toBe(1)
    clock.forward(1)
    expect(outcome(await verifier.verify(token))).toBe('ada')
    expect(counted.lookups).toBe(2)
  })

  test('is recalled while it is remembered, and no other is', async () => {
    const clock = testClock()
    const verifier = verifierAt(clock)
    const token = signer.sign({ ...GOOD_CLAIMS, exp: START_SECONDS + 60 })
    const expired = signer.sign({ ...GOOD_CLAIMS, exp: START_SECONDS - 60 })
    expect(verifier.recall(token)).toBeUndefined()
    await verifier.verify(token)
    await verifier.verify(expired)
    expect(verifier.recall(token)).toMatchObject({ userId: 'ada', token })
    expect(verifier.recall(expired)).toBeUndefined()
    expect(verifier.recall(`${token}A`)).toBeUndefined()
    clock.forward(60)
    expect(verifier.recall(token)).toBeUndefined()
  })

  test('is forgotten when newer ones need its place', async () => {
    const counted = countKeyLookups()
    const verifier = verifierAt(testClock(), { keys: counted.keys, cacheSize: 2 })
    const [first, second, third] = ['a', 'b', 'c'].map((sub) => signer.sign({ ...GOOD_CLAIMS, sub }))
    for (const token of [first, second, third, first]) await verifier.verify(token ?? '')
    expect(counted.lookups).toBe(4)
  })

  test('stays the same user when the unused bits of its signature change', async () => {
    const verifier = verifierAt()
    const token = signer.sign(GOOD_CLAIMS)
    const altered = alterUnusedBits(token)
    expect(altered).not.toBe(token)
    expect(Buffer.from(altered.split('.')[2] ?? '', 'base64url')).toEqual(
      Buffer.from(token.split('.')[2] ?? '', 'base64url'),
    )
    expect(outcome(await verifier.verify(token))).toBe('ada')
    expect(outcome(await verifier.verify(altered))).toBe('ada')
  })
})

test('a refused token is judged anew every time', async () => {
  const clock = testClock()
  const verifier = verifierAt(clock)
  const token = signer.sign({ ...GOOD_CLAIMS, nbf: START_SECONDS + 60 })
  expect(outcome(await verifier.verify(token))).toBe('invalid')
  clock.forward(55)
  expect(outcome(await verifier.verify(token))).toBe('ada')
})

function countKeyLookups() {
  const counted = {
    lookups: 0,
    keys: {
      ...keys,
      getKey: (header, jws) => {
        counted.lookups += 1
        return keys.getKey(header, jws)
      },
    } satisfies KeySource,
  }
  return counted
}

/** A 64-byte signature ends in a character of which four bits mean nothing. */
function alterUnusedBits(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.slice(-1))
  return token.slice(0, -1) + alphabet.charAt(last ^ 1)
}
