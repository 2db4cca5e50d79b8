import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createKeySource } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { keySet, plain, startKeyServer } from './key-server.ts'
import {
  AUDIENCE,
  ecSigner,
  GOOD_CLAIMS,
  ISSUER,
  outcome,
  rsaSigner,
  START_SECONDS,
  testClock,
} from './tokens.ts'

// limits.md: key-cooldown, key-age

const signer = ecSigner('first')
const rotated = ecSigner('second')
const LONG_LIVED = { ...GOOD_CLAIMS, exp: START_SECONDS + 86_400 }
const TIMEOUT_MS = 500

/** The requests that are under way. Their time ends when a key server hangs, and not before. */
const underWay = new Set<AbortController>()
const endTime = () => {
  for (const request of underWay) request.abort(new DOMException('It took too long', 'TimeoutError'))
}
beforeEach(() => {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((timeoutMs) => {
    expect(timeoutMs).toBe(TIMEOUT_MS)
    const request = new AbortController()
    underWay.add(request)
    return request.signal
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  underWay.clear()
})

function verifierFor(url: URL, onRefreshFailure: (detail: string) => void = () => {}) {
  const clock = testClock()
  const keys = createKeySource(
    { kind: 'jwks', url },
    { clock: clock.read, timeoutMs: TIMEOUT_MS, onRefreshFailure },
  )
  const verifier = createVerifier({ keys, issuer: ISSUER, audience: AUDIENCE, clock: clock.read })
  let serial = 0
  return {
    clock,
    verifier,
    /** Judges a token never seen before, so that no cache answers for the keys. */
    judge: async (by = signer, header: Record<string, unknown> = {}) => {
      serial += 1
      return outcome(await verifier.verify(by.sign({ ...LONG_LIVED, jti: String(serial) }, header)))
    },
  }
}

const times = <T>(count: number, run: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => run(index))

test('no key is fetched before a token needs one', async () => {
  await using server = await startKeyServer(keySet(signer.publicJwk))
  verifierFor(server.url)
  expect(server.requests).toBe(0)
})

test('200 cold calls share one fetch', async () => {
  await using server = await startKeyServer(keySet(signer.publicJwk))
  const { judge } = verifierFor(server.url)
  expect(new Set(await Promise.all(times(200, () => judge())))).toEqual(new Set(['ada']))
  expect(server.requests).toBe(1)
})

describe('an unknown kid', () => {
  test('200 of them cost one fetch per cooldown', async () => {
    await using server = await startKeyServer(keySet(signer.publicJwk))
    const { judge, clock } = verifierFor(server.url)
    await judge()
    const burst = () => Promise.all(times(200, (index) => judge(signer, { kid: `unknown-${index}` })))
    expect(new Set(await burst())).toEqual(new Set(['invalid']))
    expect(server.requests).toBe(1)
    clock.forward(30)
    expect(new Set(await burst())).toEqual(new Set(['invalid']))
    expect(server.requests).toBe(2)
    clock.forward(29)
    await burst()
    expect(server.requests).toBe(2)
  })

  test('is found once the cooldown is over and the key server has it', async () => {
    await using server = await startKeyServer(keySet(signer.publicJwk))
    const { judge, clock } = verifierFor(server.url)
    await judge()
    server.respond = keySet(signer.publicJwk, rotated.publicJwk)
    expect(await judge(rotated)).toBe('invalid')
    clock.forward(30)
    expect(await judge(rotated)).toBe('ada')
    expect(await judge(signer)).toBe('ada')
  })

  test('is unavailable, not invalid, while the key server is down', async () => {
    await using server = await startKeyServer(keySet(signer.publicJwk))
    const { judge, clock } = verifierFor(server.url)
    await judge()
    server.respond = plain(500, '')
    clock.forward(30)
    expect(await judge(rotated)).toBe('unavailable')
    expect(await judge(rotated)).toBe('unavailable')
    expect(await judge(signer)).toBe('ada')
    expect(server.requests).toBe(2)
  })
})

describe('a known kid with another key', () => {
  const named = (by: typeof signer) => ({ ...by.publicJwk, kid: 'same' })
  const header = { kid: 'same' }

  test('is found once the cooldown is over, and what the old key has signed is not remembered', async () => {
    await using server = await startKeyServer(keySet(named(signer)))
    const { verifier, clock, judge } = verifierFor(server.url)
    const old = signer.sign(LONG_LIVED, header)
    expect(outcome(await verifier.verify(old))).toBe('ada')
    expect(verifier.recall(old)?.userId).toBe('ada')
    server.respond = keySet(named(rotated))
    expect(await judge(rotated, header)).toBe('invalid')
    expect(server.requests).toBe(1)
    clock.forward(30)
    expect(await judge(rotated, header)).toBe('ada')
    expect(server.requests).toBe(2)
    expect(verifier.recall(old)).toBeUndefined()
    expect(outcome(await verifier.verify(old))).toBe('invalid')
    expect(server.requests).toBe(2)
  })

  test('costs one fetch for calls that come together, and they are all let in', async () => {
    await using server = await startKeyServer(keySet(named(signer)))
    const { judge, clock } = verifierFor(server.url)
    await judge(signer, header)
    server.respond = keySet(named(rotated))
    clock.forward(30)
    expect(new Set(await Promise.all(times(200, () => judge(rotated, header))))).toEqual(new Set(['ada']))
    expect(server.requests).toBe(2)
  })

  test('is found where several keys of the set fit as well', async () => {
    const withoutKid = ({ publicJwk: { kid: _, ...jwk } }: typeof signer) => jwk
    await using server = await startKeyServer(keySet(withoutKid(signer), withoutKid(ecSigner('third'))))
    const { judge, clock } = verifierFor(server.url)
    expect(await judge(signer, { kid: undefined })).toBe('ada')
    server.respond = keySet(withoutKid(signer), withoutKid(rotated))
    clock.forward(30)
    expect(await judge(rotated, { kid: undefined })).toBe('ada')
  })

  test('is 401 while the key server is down, and good tokens go on', async () => {
    await using server = await startKeyServer(keySet(named(signer)))
    const { judge, clock } = verifierFor(server.url)
    await judge(signer, header)
    server.respond = plain(500, '')
    clock.forward(30)
    expect(await Promise.all(times(50, () => judge(rotated, header)))).toEqual(times(50, () => 'invalid'))
    expect(await judge(signer, header)).toBe('ada')
    expect(server.requests).toBe(2)
  })
})

test('a flood of forged tokens, of known and unknown keys, costs one fetch per cooldown', async () => {
  await using server = await startKeyServer(keySet(signer.publicJwk))
  const { judge, clock } = verifierFor(server.url)
  await judge()
  for (const fetches of [2, 3, 4]) {
    clock.forward(30)
    const flood = times(40, (index) =>
      judge(rotated, { kid: index % 2 === 0 ? signer.publicJwk.kid : `unknown-${index}` }),
    )
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['invalid']))
    clock.forward(29)
    expect(await judge(rotated, { kid: signer.publicJwk.kid })).toBe('invalid')
    clock.forward(-29)
    expect(server.requests).toBe(fetches)
  }
})

test('a key that is no longer published stops working when the set was read again', async () => {
  await using server = await startKeyServer(keySet(signer.publicJwk, rotated.publicJwk))
  const { verifier, clock, judge } = verifierFor(server.url)
  const token = rotated.sign(LONG_LIVED)
  expect(outcome(await verifier.verify(token))).toBe('ada')
  server.respond = keySet(signer.publicJwk)
  clock.forward(601)
  await judge()
  await vi.waitFor(() => expect(verifier.recall(token)).toBeUndefined())
  await vi.waitFor(async () => expect(outcome(await verifier.verify(token))).toBe('invalid'))
})

test('keys older than ten minutes are refreshed while calls go on with them', async () => {
  await using server = await startKeyServer(keySet(signer.publicJwk))
  const { judge, clock } = verifierFor(server.url)
  await judge()
  clock.forward(600)
  await judge()
  expect(server.requests).toBe(1)

  clock.forward(1)
  const held: ServerResponse[] = []
  server.respond = (response) => held.push(response)
  expect(await Promise.all(times(20, () => judge()))).toEqual(times(20, () => 'ada'))
  await vi.waitFor(() => expect(held).toHaveLength(1))
  const [response] = held
  if (response !== undefined) keySet(rotated.publicJwk)(response)
  await vi.waitFor(async () => expect(await judge(rotated)).toBe('ada'))
  expect(server.requests).toBe(2)
  expect(await judge(signer)).toBe('invalid')
})

test('a clock set back does not keep old keys alive', async () => {
  await using server = await startKeyServer(keySet(signer.publicJwk))
  const { judge, clock } = verifierFor(server.url)
  await judge()
  clock.forward(-7_200)
  server.respond = keySet(rotated.publicJwk)
  expect(await judge(rotated)).toBe('ada')
})

const hang = endTime
const hangAfterHeaders = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"keys":[', endTime)
}
const reset = (response: ServerResponse) => {
  response.destroy()
}

const OUTAGES: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['answers 500', plain(500, '{"keys":[]}')],
  ['answers 404', plain(404, 'not found')],
  ['answers 204', plain(204, '')],
  ['answers HTML', plain(200, '<!doctype html><title>Sign in</title>', { 'content-type': 'text/html' })],
  ['answers other JSON', plain(200, '{"error":"down"}')],
  ['answers null', plain(200, 'null')],
  ['answers keys that are no objects', plain(200, '{"keys":[null]}')],
  ['hangs', hang],
  ['hangs after its headers', hangAfterHeaders],
  ['resets the connection', reset],
]

describe.each(OUTAGES)('a key server that %s', (_, respond) => {
  test('makes a token unavailable, never invalid, from a cold start', async () => {
    await using server = await startKeyServer(respond)
    const { judge } = verifierFor(server.url)
    expect(await judge()).toBe('unavailable')
  })

  test('is bridged by the keys at hand for an hour, and no longer', async () => {
    await using server = await startKeyServer(keySet(signer.publicJwk))
    const failures: string[] = []
    const { judge, clock } = verifierFor(server.url, (detail) => failures.push(detail))
    expect(await judge()).toBe('ada')
    server.respond = respond

    clock.forward(1_800)
    expect(await judge()).toBe('ada')
    await vi.waitFor(() => expect(failures).toHaveLength(1))
    clock.forward(1_800)
    expect(await judge()).toBe('ada')
    await vi.waitFor(() => expect(failures).toHaveLength(2))
    clock.forward(5)
    expect(await judge()).toBe('unavailable')

    server.respond = keySet(signer.publicJwk)
    clock.forward(5)
    expect(await judge()).toBe('ada')
  })
})

test('a redirect is not followed', async () => {
  await using trap = await startKeyServer(keySet(signer.publicJwk))
  await using server = await startKeyServer(plain(302, '', { location: trap.url.href }))
  const { judge } = verifierFor(server.url)
  expect(await judge()).toBe('unavailable')
  expect(trap.requests).toBe(0)
})

test('a key server that refuses connections makes a token unavailable', async () => {
  const server = await startKeyServer(keySet(signer.publicJwk))
  await server[Symbol.asyncDispose]()
  const { judge } = verifierFor(server.url)
  expect(await judge()).toBe('unavailable')
})

test('after a failed first fetch the next one waits five seconds', async () => {
  await using server = await startKeyServer(plain(503, ''))
  const { judge, clock } = verifierFor(server.url)
  expect(new Set(await Promise.all(times(50, () => judge())))).toEqual(new Set(['unavailable']))
  expect(await judge()).toBe('unavailable')
  expect(server.requests).toBe(1)

  clock.forward(4)
  server.respond = keySet(signer.publicJwk)
  expect(await judge()).toBe('unavailable')
  expect(server.requests).toBe(1)

  clock.forward(1)
  expect(await judge()).toBe('ada')
  expect(await judge(rotated)).toBe('invalid')
  expect(server.requests).toBe(2)
})

test('while refreshing fails, it is tried once per cooldown', async () => {
  await using server = await startKeyServer(keySet(signer.publicJwk))
  const failures: string[] = []
  const { judge, clock } = verifierFor(server.url, (detail) => failures.push(detail))
  await judge()
  server.respond = plain(500, '')
  clock.forward(601)
  await judge()
  await vi.waitFor(() =>
    expect(failures).toEqual(['Expected 200 OK from the JSON Web Key Set HTTP response']),
  )
  await Promise.all(times(50, () => judge()))
  clock.forward(29)
  await judge()
  expect(server.requests).toBe(2)
})

describe('a published key that cannot be used', () => {
  const { x: _, ...withoutX } = signer.publicJwk
  const short = rsaSigner('first', 1_024)

  test.each([
    ['lacks a member', withoutX, signer],
    ['is RSA with 1024 bits', short.publicJwk, short],
  ])('%s: the key server is to blame, not the token', async (_, jwk, by) => {
    await using server = await startKeyServer(keySet(jwk))
    const { judge } = verifierFor(server.url)
    expect(await judge(by)).toBe('unavailable')
  })

  test('does not stand in the way of another that fits', async () => {
    await using server = await startKeyServer(keySet(withoutX, { ...signer.publicJwk, kid: 'other' }))
    const { judge } = verifierFor(server.url)
    expect(await judge(signer, { kid: undefined })).toBe('ada')
  })
})
