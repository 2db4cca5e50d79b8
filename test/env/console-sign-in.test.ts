import { describe, expect, it } from 'vitest'
import { EnvError, readEnv } from '../../server/env/environment.ts'

const ISSUER = 'https://id.example.com/'
const API = 'https://api.example.com'
const KEY = {
  AUTH_JWKS_URL: 'https://id.example.com/jwks',
  AUTH_JWT_ISSUER: ISSUER,
  AUTH_JWT_AUDIENCE: API,
}
const SIGN_IN = {
  ...KEY,
  CONSOLE: 'on',
  CONSOLE_OIDC_ISSUER: ISSUER,
  CONSOLE_OIDC_CLIENT_ID: 'console',
}

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readEnv(env)
    return []
  } catch (error) {
    if (!(error instanceof EnvError)) throw error
    return error.problems
  }
}

describe('how people sign in to the console', () => {
  it.each<[NodeJS.ProcessEnv, object | undefined]>([
    [{}, undefined],
    [{ ...KEY, CONSOLE: 'on' }, undefined],
    [SIGN_IN, { issuer: ISSUER, clientId: 'console', scope: 'openid', token: 'access' }],
    [
      { ...SIGN_IN, CONSOLE: 'off' },
      { issuer: ISSUER, clientId: 'console', scope: 'openid', token: 'access' },
    ],
    [
      {
        ...SIGN_IN,
        AUTH_JWT_ISSUER: 'https://sts.example.com',
        AUTH_JWT_AUDIENCE: `other, ${API}`,
        AUTH_AUTHORIZED_PARTIES: 'web, console',
        CONSOLE_OIDC_SCOPE: 'openid email api://one/use',
        CONSOLE_OIDC_AUDIENCE: API,
        CONSOLE_OIDC_RESOURCE: 'urn:example:api',
        CONSOLE_OIDC_TOKEN_ORIGIN: 'https://tokens.example.com:8443',
      },
      {
        issuer: ISSUER,
        clientId: 'console',
        scope: 'openid email api://one/use',
        token: 'access',
        audience: API,
        resource: 'urn:example:api',
        tokenOrigin: 'https://tokens.example.com:8443',
      },
    ],
    [
      { ...SIGN_IN, AUTH_JWT_AUDIENCE: 'console', CONSOLE_OIDC_TOKEN: 'id' },
      { issuer: ISSUER, clientId: 'console', scope: 'openid', token: 'id' },
    ],
    ...['http://127.0.0.1:8080/realms/app', 'http://localhost:8080'].map(
      (issuer): [NodeJS.ProcessEnv, object] => [
        { ...SIGN_IN, AUTH_JWT_ISSUER: issuer, CONSOLE_OIDC_ISSUER: issuer },
        { issuer, clientId: 'console', scope: 'openid', token: 'access' },
      ],
    ),
  ])('%j is read', (env, expected) => {
    expect(readEnv(env).consoleSignIn).toEqual(expected)
  })

  it.each<[NodeJS.ProcessEnv, ...RegExp[]]>([
    ...[
      'id.example.com',
      'http://id.example.com',
      'http://127.0.0.1.example.com',
      'http://[::1]:8080',
      'https://id.example.com?tenant=a',
      'https://id.example.com/#a',
      'https://user@id.example.com',
      'https://id_1.example.com',
      ' https://id.example.com',
      'javascript:alert(1)',
    ].map((issuer): [NodeJS.ProcessEnv, RegExp] => [
      { ...SIGN_IN, CONSOLE_OIDC_ISSUER: issuer },
      /^CONSOLE_OIDC_ISSUER: must be the address of an OpenID provider .* http is for 127\.0\.0\.1 and localhost alone$/,
    ]),
    [
      { ...SIGN_IN, CONSOLE_OIDC_ISSUER: '' },
      /^CONSOLE_OIDC_ISSUER: is required with CONSOLE_OIDC_CLIENT_ID$/,
    ],
    [
      { ...SIGN_IN, CONSOLE_OIDC_CLIENT_ID: '' },
      /^CONSOLE_OIDC_CLIENT_ID: is required with CONSOLE_OIDC_ISSUER$/,
    ],
    [
      { ...SIGN_IN, CONSOLE_OIDC_CLIENT_ID: 'two words' },
      /^CONSOLE_OIDC_CLIENT_ID: must be the id .* without spaces$/,
    ],
    [
      { ...KEY, CONSOLE_OIDC_SCOPE: 'openid' },
      /^CONSOLE_OIDC_ISSUER: is required with CONSOLE_OIDC_SCOPE$/,
      /^CONSOLE_OIDC_CLIENT_ID: is required with CONSOLE_OIDC_SCOPE$/,
    ],
    ...['email', 'openid,email', 'openid  email', ' openid'].map((scope): [NodeJS.ProcessEnv, RegExp] => [
      { ...SIGN_IN, CONSOLE_OIDC_SCOPE: scope },
      /^CONSOLE_OIDC_SCOPE: must be scopes with one space between them, openid among them$/,
    ]),
    [{ ...SIGN_IN, CONSOLE_OIDC_TOKEN: 'both' }, /^CONSOLE_OIDC_TOKEN: must be access or id: which/],
    [
      { ...SIGN_IN, CONSOLE_OIDC_TOKEN: 'id' },
      /^CONSOLE_OIDC_TOKEN: .* AUTH_JWT_AUDIENCE must name what CONSOLE_OIDC_CLIENT_ID is$/,
    ],
    [
      { ...SIGN_IN, CONSOLE_OIDC_AUDIENCE: 'other' },
      /^CONSOLE_OIDC_AUDIENCE: must be one of AUTH_JWT_AUDIENCE/,
    ],
    [
      { ...SIGN_IN, AUTH_JWT_AUDIENCE: 'none', CONSOLE_OIDC_AUDIENCE: API },
      /^CONSOLE_OIDC_AUDIENCE: is set, and with AUTH_JWT_AUDIENCE=none tokens that have an audience are refused$/,
    ],
    [{ ...SIGN_IN, CONSOLE_OIDC_RESOURCE: 'api' }, /^CONSOLE_OIDC_RESOURCE: must be a URI without fragment/],
    [
      { ...SIGN_IN, CONSOLE_OIDC_RESOURCE: `${API}#a` },
      /^CONSOLE_OIDC_RESOURCE: must be a URI without fragment/,
    ],
    ...[
      'https://tokens.example.com/',
      'https://tokens.example.com/token',
      '*.example.com',
      'http://tokens.example.com',
    ].map((origin): [NodeJS.ProcessEnv, RegExp] => [
      { ...SIGN_IN, CONSOLE_OIDC_TOKEN_ORIGIN: origin },
      /^CONSOLE_OIDC_TOKEN_ORIGIN: must be the origin of the provider's token endpoint/,
    ]),
    [
      { ...SIGN_IN, CONSOLE_OIDC_ISSUER: 'https://id.example.com' },
      /^CONSOLE_OIDC_ISSUER: differs from AUTH_JWT_ISSUER by the slash at its end/,
    ],
    [
      {
        ...SIGN_IN,
        CONSOLE_OIDC_ISSUER: 'https://other.example',
        AUTH_JWT_AUDIENCE: 'console',
        CONSOLE_OIDC_TOKEN: 'id',
      },
      /^CONSOLE_OIDC_ISSUER: must be what AUTH_JWT_ISSUER is with CONSOLE_OIDC_TOKEN=id/,
    ],
    [
      { ...SIGN_IN, AUTH_AUTHORIZED_PARTIES: 'https://app.example.com' },
      /^AUTH_AUTHORIZED_PARTIES: must name what CONSOLE_OIDC_CLIENT_ID is/,
    ],
    [{ ...SIGN_IN, CONSOLE: '' }, /^CONSOLE: must be on with CONSOLE_OIDC_ISSUER, or off/],
    [
      { CONSOLE_OIDC_ISSUER: ISSUER, CONSOLE_OIDC_CLIENT_ID: 'console' },
      /^CONSOLE_OIDC_ISSUER: is set, but no key is; set one of AUTH_JWKS_URL/,
    ],
  ])('%j is refused with a sentence', (env, ...sentences) => {
    expect(problemsOf(env)).toEqual(sentences.map((sentence) => expect.stringMatching(sentence)))
  })
})
