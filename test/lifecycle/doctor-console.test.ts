import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readEnv } from '../../server/env/environment.ts'
import { checkConsole } from '../../server/lifecycle/doctor/console.ts'
import {
  CLIENT_ID,
  type Misdeeds,
  type OpenIdProvider,
  startOpenIdProvider,
} from '../support/openid-provider.ts'

let provider: OpenIdProvider
beforeAll(async () => {
  provider = await startOpenIdProvider()
})
afterEach(() => {
  provider.misdeeds = {}
})
afterAll(() => provider[Symbol.asyncDispose]())

async function examine(more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const env = readEnv({
    AUTH_JWKS_URL: provider.jwksUrl.href,
    AUTH_JWT_ISSUER: provider.issuer,
    AUTH_JWT_AUDIENCE: 'app',
    CONSOLE: 'on',
    CONSOLE_OIDC_ISSUER: provider.issuer,
    CONSOLE_OIDC_CLIENT_ID: CLIENT_ID,
    ...more,
  })
  const findings: string[] = []
  for await (const { level, text } of checkConsole(env)) findings.push(`${level}: ${text}`)
  return findings
}

describe('deputy doctor on the sign-in to the console', () => {
  it('says that it is right', async () => {
    const right = `ok: people sign in at ${provider.issuer}, as its client ${CLIENT_ID}`
    expect(await examine()).toEqual([right])
    provider.misdeeds = { metadata: { token_endpoint: `${provider.elsewhere}/token` } }
    expect(await examine({ CONSOLE_OIDC_TOKEN_ORIGIN: provider.elsewhere })).toEqual([right])
    const other = await examine({
      AUTH_JWT_ISSUER: 'https://sts.example',
      CONSOLE_OIDC_TOKEN_ORIGIN: provider.elsewhere,
    })
    expect(other).toEqual([
      expect.stringContaining('warning: tokens must be of https://sts.example (AUTH_JWT_ISSUER)'),
      right,
    ])
  })

  it('says nothing where there is none', async () => {
    expect(await examine({ CONSOLE_OIDC_ISSUER: '', CONSOLE_OIDC_CLIENT_ID: '' })).toEqual([])
  })

  it.each<[Misdeeds['metadata'], RegExp]>([
    [{ issuer: 'https://evil.example' }, /the provider calls itself https:\/\/evil\.example/],
    [
      { token_endpoint: 'https://tokens.example/t' },
      /CONSOLE_OIDC_TOKEN_ORIGIN: must be https:\/\/tokens\.example, where/,
    ],
    [{ token_endpoint: 'here' }, /does not describe an OpenID provider/],
    [{ code_challenge_methods_supported: ['plain'] }, /does not take PKCE with S256/],
  ])('says of %j what is wrong', async (metadata, text) => {
    provider.misdeeds = { metadata: { ...metadata } }
    expect(await examine()).toEqual([expect.stringMatching(text)])
  })

  it('says where it cannot be reached, and where nothing is', async () => {
    const at = (issuer: string) => examine({ AUTH_JWT_ISSUER: issuer, CONSOLE_OIDC_ISSUER: issuer })
    expect(await at('http://127.0.0.1:1')).toEqual([expect.stringContaining('cannot be fetched from here')])
    expect(await at(`${provider.issuer}/none`)).toEqual([expect.stringContaining('answers 404')])
  })
})
