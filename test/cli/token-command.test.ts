import { rm } from 'node:fs/promises'
import { afterAll, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import {
  DEVELOPMENT_AUDIENCE,
  DEVELOPMENT_ISSUER,
  loadDevelopmentKey,
} from '../../server/auth/development-key.ts'
import { createKeySource } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { runDeputy } from '../lifecycle/process.ts'
import { temporaryPath } from '../support/guarded.ts'

const dataDir = await temporaryPath('token')
afterAll(() => rm(dataDir, { recursive: true }))

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const { output, ended } = await runDeputy(['token', ...args], { DATA_DIR: dataDir, ...env })
  const { code } = await ended
  return { code, ...output }
}

test.each(['token', 'audit', 'credits'] as const)('npm run %s is deputy %s, on the sources', (name) => {
  expect(packageJson.scripts[name]).toBe(`${packageJson.scripts.deputy} ${name}`)
})

test('the command prints a token of the development key and nothing else', async () => {
  const { code, stdout, stderr } = await run(['ada', '--expires', '1h', '--email', 'ada@example.com'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)

  const { publicJwk } = await loadDevelopmentKey(dataDir)
  const keys = createKeySource({ kind: 'jwk', jwk: publicJwk })
  const verifier = createVerifier({ keys, issuer: DEVELOPMENT_ISSUER, audience: DEVELOPMENT_AUDIENCE })
  const verification = await verifier.verify(stdout.trim())
  expect(verification).toMatchObject({
    ok: true,
    actor: { userId: 'ada', claims: { email: 'ada@example.com', email_verified: true } },
  })
  const { iat = 0, exp = 0 } = verification.ok ? verification.actor.claims : {}
  expect(exp - iat).toBe(3_600)
})

test.each([
  [[], "missing required argument 'user'"],
  [['ada', '--expires', 'soon'], 'as in 30s, 15m, 12h or 7d'],
])(
  'wrong arguments %j end with 2, usage on stderr and nothing on stdout',
  async (args, message) => {
    const { code, stdout, stderr } = await run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toContain('Usage: deputy token [options] <user>')
  },
  20_000,
)

test('where another key source is configured the command says so and ends with 1', async () => {
  const { code, stdout, stderr } = await run(['ada'], {
    AUTH_JWKS_URL: 'https://keys.example/jwks',
    AUTH_JWT_ISSUER: 'https://keys.example',
    AUTH_JWT_AUDIENCE: 'app',
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('AUTH_')
})
