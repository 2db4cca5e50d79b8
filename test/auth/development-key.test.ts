import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  DEVELOPMENT_AUDIENCE,
  DEVELOPMENT_ISSUER,
  loadDevelopmentKey,
} from '../../server/auth/development-key.ts'
import { createKeySource } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { runGuarded, temporaryPath } from '../support/guarded.ts'
import { ecSigner, GOOD_CLAIMS, START_SECONDS, testClock } from './tokens.ts'

const root = await temporaryPath('key')
afterAll(() => rm(root, { recursive: true }))

let serial = 0
function newDataDir(): string {
  serial += 1
  return join(root, String(serial), 'data')
}
const keyFile = (dataDir: string) => join(dataDir, 'development-key.json')
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

async function storeKey(text: string, mode = 0o600): Promise<string> {
  const dataDir = newDataDir()
  await mkdir(dataDir, { recursive: true })
  await writeFile(keyFile(dataDir), text)
  await chmod(keyFile(dataDir), mode)
  return dataDir
}

test('the first start makes a key that only its owner can read, and later starts keep it', async () => {
  const dataDir = newDataDir()
  const first = await loadDevelopmentKey(dataDir)
  expect(await modeOf(keyFile(dataDir))).toBe('600')
  expect(await modeOf(dataDir)).toBe('700')
  expect(await readdir(dataDir)).toEqual(['development-key.json'])
  expect((await loadDevelopmentKey(dataDir)).publicJwk).toEqual(first.publicJwk)
})

test('the public part holds nothing private', async () => {
  const { publicJwk } = await loadDevelopmentKey(newDataDir())
  expect(Object.keys(publicJwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})

test('twenty loads at once in one process end with one key', async () => {
  const dataDir = newDataDir()
  const keys = await Promise.all(Array.from({ length: 20 }, () => loadDevelopmentKey(dataDir)))
  expect(new Set(keys.map((key) => key.publicJwk.x)).size).toBe(1)
  expect(await readdir(dataDir)).toEqual(['development-key.json'])
})

test('processes that start at once end with one key', async () => {
  const dataDir = newDataDir()
  const module = new URL('../../server/auth/development-key.ts', import.meta.url).href
  const script = `
    import { loadDevelopmentKey } from ${JSON.stringify(module)}
    process.stdout.write((await loadDevelopmentKey(${JSON.stringify(dataDir)})).publicJwk.x)`
  const run = () =>
    runGuarded(process.execPath, [
      '--conditions=deputy-source',
      '--import',
      'tsx',
      '--input-type=module',
      '--eval',
      script,
    ])
  const outputs = await Promise.all([run(), run(), run(), run()])
  const stored = JSON.parse(await readFile(keyFile(dataDir), 'utf8'))
  expect(new Set(outputs.map(({ stdout }) => stdout))).toEqual(new Set([stored.x]))
})

describe('a minted token', () => {
  const clock = testClock()

  async function mintAndVerify(userId: string, claims: Record<string, unknown>, at = clock) {
    const { mint, publicJwk } = await loadDevelopmentKey(newDataDir())
    const token = await mint(userId, { expiresInSeconds: 60, claims, now: clock.read() })
    const verifier = createVerifier({
      keys: createKeySource({ kind: 'jwk', jwk: publicJwk }),
      issuer: DEVELOPMENT_ISSUER,
      audience: DEVELOPMENT_AUDIENCE,
      clock: at.read,
    })
    return verifier.verify(token)
  }

  test('passes the verifier with its claims', async () => {
    expect(await mintAndVerify('ada', { email: 'ada@example.com' })).toMatchObject({
      ok: true,
      actor: {
        userId: 'ada',
        claims: {
          iss: DEVELOPMENT_ISSUER,
          aud: DEVELOPMENT_AUDIENCE,
          sub: 'ada',
          iat: START_SECONDS,
          exp: START_SECONDS + 60,
          email: 'ada@example.com',
        },
      },
    })
  })

  test('expires', async () => {
    const later = testClock()
    later.forward(65)
    expect(await mintAndVerify('ada', {}, later)).toMatchObject({ ok: false, reason: 'invalid' })
  })

  test('keeps its own standard claims whatever the further claims say', async () => {
    const claims = { sub: 'eve', iss: 'x', aud: 'x', exp: 1, iat: 1 }
    expect(await mintAndVerify('ada', claims)).toMatchObject({ ok: true, actor: { userId: 'ada' } })
  })

  test.each(['', 'a\0', '__proto__', 'x'.repeat(256)])('is not made for the user id %j', async (userId) => {
    await expect(mintAndVerify(userId, {})).rejects.toThrow('1 to 255 printable characters')
  })

  test('of one server is worth nothing at another', async () => {
    const [one, two] = [await loadDevelopmentKey(newDataDir()), await loadDevelopmentKey(newDataDir())]
    const verifier = createVerifier({
      keys: createKeySource({ kind: 'jwk', jwk: two.publicJwk }),
      issuer: DEVELOPMENT_ISSUER,
      audience: DEVELOPMENT_AUDIENCE,
    })
    expect(await verifier.verify(await one.mint('ada', { expiresInSeconds: 60 }))).toMatchObject({
      reason: 'invalid',
    })
  })
})

test.each([0o640, 0o604, 0o660, 0o644, 0o620])('a key file with mode %o is refused', async (mode) => {
  const dataDir = newDataDir()
  await loadDevelopmentKey(dataDir)
  await chmod(keyFile(dataDir), mode)
  await expect(loadDevelopmentKey(dataDir)).rejects.toThrow(`mode 0${mode.toString(8)}`)
})

test.each([
  ['nothing', ''],
  ['no JSON', '{'],
  ['null', 'null'],
  ['a public key', JSON.stringify(ecSigner().publicJwk)],
  ['another type of key', '{"kty":"oct","k":"AAAA"}'],
  ['a key that does not decode', '{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}'],
])('a key file that holds %s is refused and left alone', async (_, text) => {
  const dataDir = await storeKey(text)
  await expect(loadDevelopmentKey(dataDir)).rejects.toThrow(
    `"${keyFile(dataDir)}" is not a private ES256 key`,
  )
  expect(await readFile(keyFile(dataDir), 'utf8')).toBe(text)
})

test('a token signed elsewhere with the development issuer is refused', async () => {
  const { publicJwk } = await loadDevelopmentKey(newDataDir())
  const clock = testClock()
  const verifier = createVerifier({
    keys: createKeySource({ kind: 'jwk', jwk: publicJwk }),
    issuer: DEVELOPMENT_ISSUER,
    audience: DEVELOPMENT_AUDIENCE,
    clock: clock.read,
  })
  const token = ecSigner().sign({ ...GOOD_CLAIMS, iss: DEVELOPMENT_ISSUER, aud: DEVELOPMENT_AUDIENCE })
  expect(await verifier.verify(token)).toMatchObject({ ok: false, reason: 'invalid' })
})
