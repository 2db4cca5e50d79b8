import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it, test } from 'vitest'
import { createKeySource } from '../../server/auth/key-source.ts'
import { profileFromClaims, verifiedEmailOf } from '../../server/auth/profile-claims.ts'
import { claimedRole } from '../../server/auth/role.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { EnvError, readEnv } from '../../server/env/environment.ts'
import { keySet, startKeyServer } from './key-server.ts'
import { ecSigner, ed25519Signer, rsaSigner, START_SECONDS, testClock } from './tokens.ts'

const TIMES = { iat: START_SECONDS - 60, exp: START_SECONDS + 3_600 }
const ADA = { name: 'Ada Lovelace', email: 'ada@example.com', imageUrl: 'https://img.example.com/ada.png' }
const ROLES: ReadonlySet<string> = new Set(['viewer', 'member', 'admin', 'editor'])
const STANDARD = { name: 'name', email: 'email', imageUrl: 'picture' }

interface Provider {
  readonly signer: typeof rsaSigner
  readonly env: Readonly<Record<string, string>>
  readonly header?: Record<string, unknown>
  readonly claims: Readonly<Record<string, unknown>>
  /** Claims of `users`, as the docs advise. */
  readonly profile: Readonly<Record<string, string>>
  readonly says: Partial<typeof ADA>
  /** Changes of a claim that another app of the provider would show. */
  readonly foreign: readonly Readonly<Record<string, unknown>>[]
}

const PROVIDERS: Readonly<Record<string, Provider>> = {
  Clerk: {
    signer: rsaSigner,
    env: {
      AUTH_JWT_ISSUER: 'https://clean-mayfly-62.clerk.accounts.dev',
      AUTH_JWT_AUDIENCE: 'none',
      AUTH_AUTHORIZED_PARTIES: 'https://app.example.com, https://admin.example.com',
      AUTH_ROLE_CLAIM: 'metadata.role',
    },
    header: { typ: 'JWT', cat: 'cl_B7d4PD111AAA' },
    claims: {
      iss: 'https://clean-mayfly-62.clerk.accounts.dev',
      sub: 'user_2eJ0b6ZPmQ1Nn3Hq5c9sVbC7dkF',
      azp: 'https://app.example.com',
      nbf: START_SECONDS - 70,
      fva: [1, -1],
      sid: 'sess_2eJ0b7Ks2bFQ3m2XK1zO8vB9aQw',
      sts: 'active',
      v: 2,
      // Added to the session token in the dashboard.
      name: ADA.name,
      email: ADA.email,
      email_verified: true,
      picture: ADA.imageUrl,
      metadata: { role: 'editor' },
    },
    profile: STANDARD,
    says: ADA,
    foreign: [{ azp: 'https://evil.example.com' }, { azp: undefined }, { aud: 'convex' }],
  },
  Auth0: {
    signer: rsaSigner,
    env: {
      AUTH_JWT_ISSUER: 'https://acme.eu.auth0.com/',
      AUTH_JWT_AUDIENCE: 'https://api.example.com',
      AUTH_ROLE_CLAIM: 'https://example.com/roles',
    },
    header: { typ: 'at+jwt' },
    claims: {
      iss: 'https://acme.eu.auth0.com/',
      sub: 'google-oauth2|113871213456789012345',
      aud: ['https://api.example.com', 'https://acme.eu.auth0.com/userinfo'],
      azp: 'J7mKzFLbcQ5yS3eP0vXw',
      client_id: 'J7mKzFLbcQ5yS3eP0vXw',
      scope: 'openid profile email',
      jti: 'abc',
      // Added by an action after login.
      'https://example.com/roles': ['editor'],
      'https://example.com/name': ADA.name,
      email: ADA.email,
      email_verified: true,
    },
    profile: { name: 'https://example.com/name', email: 'email' },
    says: { name: ADA.name, email: ADA.email },
    foreign: [{ aud: 'https://other.example.com' }, { iss: 'https://acme.eu.auth0.com' }, { aud: undefined }],
  },
  Supabase: {
    signer: ecSigner,
    env: {
      AUTH_JWT_ISSUER: 'https://abcdefghijklmnop.supabase.co/auth/v1',
      AUTH_JWT_AUDIENCE: 'authenticated',
      AUTH_ROLE_CLAIM: 'app_metadata.role',
    },
    header: { typ: 'JWT' },
    claims: {
      iss: 'https://abcdefghijklmnop.supabase.co/auth/v1',
      sub: 'f3a1b0de-5f7e-4f0e-9a53-3c1c4c1c1b11',
      aud: 'authenticated',
      email: ADA.email,
      phone: '',
      app_metadata: { provider: 'google', providers: ['google'], role: 'editor' },
      user_metadata: {
        avatar_url: ADA.imageUrl,
        email: ADA.email,
        email_verified: true,
        full_name: ADA.name,
        phone_verified: false,
      },
      role: 'authenticated',
      aal: 'aal1',
      amr: [{ method: 'oauth', timestamp: START_SECONDS - 60 }],
      session_id: '8d1d7a9b-0a2e-4c55-8a53-7f1a6ee6b0d2',
      is_anonymous: false,
    },
    profile: { name: 'user_metadata.full_name', email: 'email', imageUrl: 'user_metadata.avatar_url' },
    // What stands in `user_metadata` users write themselves, `email_verified` included.
    says: { name: ADA.name, imageUrl: ADA.imageUrl },
    foreign: [{ aud: 'anon' }, { iss: 'https://zzz.supabase.co/auth/v1' }, { iss: 'supabase' }],
  },
  Firebase: {
    signer: rsaSigner,
    env: {
      AUTH_JWT_ISSUER: 'https://securetoken.google.com/acme-prod',
      AUTH_JWT_AUDIENCE: 'acme-prod',
      AUTH_ROLE_CLAIM: 'role',
    },
    header: { typ: 'JWT' },
    claims: {
      iss: 'https://securetoken.google.com/acme-prod',
      aud: 'acme-prod',
      auth_time: START_SECONDS - 60,
      user_id: 'Yk3vQW9dXhVq2mZ5b8nLr1tC4xJ2',
      sub: 'Yk3vQW9dXhVq2mZ5b8nLr1tC4xJ2',
      name: ADA.name,
      picture: ADA.imageUrl,
      email: ADA.email,
      email_verified: true,
      firebase: {
        identities: { 'google.com': ['1138'], email: [ADA.email] },
        sign_in_provider: 'google.com',
      },
      role: 'editor',
    },
    profile: STANDARD,
    says: ADA,
    foreign: [{ aud: 'other-project' }, { iss: 'https://securetoken.google.com/other-project' }],
  },
  'Cognito, access token': {
    signer: rsaSigner,
    env: {
      AUTH_JWT_ISSUER: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI',
      AUTH_JWT_AUDIENCE: 'none',
      AUTH_AUTHORIZED_PARTIES: '7lhlkkfbfb4q5kpp90urffao',
      AUTH_ROLE_CLAIM: 'cognito:groups',
    },
    claims: {
      iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI',
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      'cognito:groups': ['eu-west-1_AbCdEfGhI_Google', 'editor'],
      version: 2,
      client_id: '7lhlkkfbfb4q5kpp90urffao',
      origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      token_use: 'access',
      scope: 'openid profile email',
      auth_time: START_SECONDS - 60,
      jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      username: 'ada',
    },
    profile: STANDARD,
    says: {},
    foreign: [
      { client_id: 'another' },
      { client_id: undefined },
      { azp: 'another' },
      { aud: '7lhlkkfbfb4q5kpp90urffao' },
    ],
  },
  'Cognito, id token': {
    signer: rsaSigner,
    env: {
      AUTH_JWT_ISSUER: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI',
      AUTH_JWT_AUDIENCE: '7lhlkkfbfb4q5kpp90urffao,another-client-of-ours',
      AUTH_ROLE_CLAIM: 'cognito:groups',
    },
    claims: {
      iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI',
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      aud: 'another-client-of-ours',
      'cognito:groups': ['editor'],
      'cognito:username': 'ada',
      token_use: 'id',
      auth_time: START_SECONDS - 60,
      name: ADA.name,
      email: ADA.email,
      email_verified: 'true',
      picture: ADA.imageUrl,
    },
    profile: STANDARD,
    says: ADA,
    foreign: [{ aud: 'somebody-else' }, { aud: '7lhlkkfbfb4q5kpp90urffao,another-client-of-ours' }],
  },
  Keycloak: {
    signer: rsaSigner,
    env: {
      AUTH_JWT_ISSUER: 'https://id.example.com/realms/acme',
      AUTH_JWT_AUDIENCE: 'deputy',
      AUTH_AUTHORIZED_PARTIES: 'web',
      AUTH_ROLE_CLAIM: 'realm_access.roles',
    },
    header: { typ: 'JWT' },
    claims: {
      iss: 'https://id.example.com/realms/acme',
      sub: 'b1a7e6a0-9b1e-4f5c-8a53-1c1b2a3d4e5f',
      aud: ['deputy', 'account'],
      typ: 'Bearer',
      azp: 'web',
      sid: '3e0f7f6c-52a5-4c55-8d1d-7a9b0a2e4c55',
      acr: '1',
      'allowed-origins': ['https://app.example.com'],
      realm_access: { roles: ['default-roles-acme', 'offline_access', 'uma_authorization', 'editor'] },
      resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
      scope: 'openid profile email',
      email_verified: true,
      name: ADA.name,
      preferred_username: 'ada',
      email: ADA.email,
      picture: ADA.imageUrl,
    },
    profile: STANDARD,
    says: ADA,
    foreign: [{ aud: 'account' }, { azp: 'other-client' }, { iss: 'https://id.example.com/realms/other' }],
  },
  'Better Auth': {
    signer: ed25519Signer,
    env: {
      AUTH_JWT_ISSUER: 'https://app.example.com',
      AUTH_JWT_AUDIENCE: 'https://app.example.com',
      AUTH_ROLE_CLAIM: 'role',
    },
    claims: {
      iss: 'https://app.example.com',
      aud: 'https://app.example.com',
      sub: 'Zb2xJc0rTnK3dPq9vLw5yHs8mAe1fGu7',
      id: 'Zb2xJc0rTnK3dPq9vLw5yHs8mAe1fGu7',
      name: ADA.name,
      email: ADA.email,
      emailVerified: true,
      image: ADA.imageUrl,
      createdAt: '2026-01-31T09:30:00.000Z',
      updatedAt: '2026-01-31T09:30:00.000Z',
      role: 'editor',
    },
    profile: { name: 'name', email: 'email', imageUrl: 'image' },
    says: ADA,
    foreign: [{ aud: 'https://other.example.com' }, { iss: 'https://app.example.com/' }],
  },
  Apple: {
    signer: rsaSigner,
    env: {
      AUTH_JWT_ISSUER: 'https://appleid.apple.com',
      AUTH_JWT_AUDIENCE: 'com.example.app,com.example.web',
      AUTH_ROLE_CLAIM: 'role',
    },
    claims: {
      iss: 'https://appleid.apple.com',
      aud: 'com.example.web',
      sub: '001234.abcdef0123456789abcdef0123456789.0123',
      email: ADA.email,
      email_verified: 'true',
      is_private_email: 'true',
      role: ['member', 'editor'],
      nonce_supported: true,
    },
    profile: STANDARD,
    says: { email: ADA.email },
    foreign: [{ aud: 'com.example.other' }],
  },
}

describe.each(Object.entries(PROVIDERS))('a token of %s', (_name, provider) => {
  const { signer, env, header = {}, claims, profile, says, foreign } = provider

  async function open() {
    const keys = signer('one')
    const server = await startKeyServer(keySet({ ...keys.publicJwk, use: 'sig' }))
    const { auth, roleClaim } = readEnv({ ...env, AUTH_JWKS_URL: server.url.href })
    if (auth.kind !== 'configured') throw new Error('The key set is not used')
    const clock = testClock().read
    const verifier = createVerifier({ ...auth, keys: createKeySource(auth.key, { clock }), clock })
    const verify = (more: object = {}) => verifier.verify(keys.sign({ ...TIMES, ...claims, ...more }, header))
    return { verify, roleClaim, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
  }

  it('is accepted as its user’s, and says a profile and a role', async () => {
    await using opened = await open()
    const verification = await opened.verify()
    if (!verification.ok) throw new Error(verification.detail)
    const { actor } = verification
    expect(actor.userId).toBe(claims.sub)
    expect(profileFromClaims(new Map(Object.entries(profile)), actor.claims)).toEqual(says)
    expect(verifiedEmailOf(actor.claims)).toBe(says.email)
    expect(claimedRole(actor.claims, opened.roleClaim, ROLES)).toBe('editor')
    expect(Object.isFrozen(actor.claims)).toBe(true)
  })

  it('says no email by another path but the one that the provider has verified', async () => {
    await using opened = await open()
    const emailOf = async (more: object) => {
      const verification = await opened.verify(more)
      if (!verification.ok) throw new Error(verification.detail)
      const byPath = new Map([['email', 'contact.email']])
      return profileFromClaims(byPath, verification.actor.claims).email
    }
    // What users write of themselves, the flag included.
    const contactOf = (email: string) => ({ contact: { email, email_verified: true, emailVerified: true } })
    expect(await emailOf(contactOf('eve@example.com'))).toBeUndefined()
    expect(await emailOf(contactOf(ADA.email))).toBe(says.email)
    const unsaid = { email: undefined, email_verified: undefined, emailVerified: undefined }
    expect(await emailOf({ ...unsaid, ...contactOf('eve@example.com') })).toBeUndefined()
  })

  it.each(foreign)('that was made for somebody else is refused: %j', async (more) => {
    await using opened = await open()
    expect(await opened.verify(more)).toMatchObject({ ok: false, reason: 'invalid' })
  })
})

test('RS512, as some providers sign, is accepted from a key set', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS512')
  await using server = await startKeyServer(
    keySet({ ...(await exportJWK(publicKey)), kid: '1', alg: 'RS512' }),
  )
  const clock = testClock().read
  const keys = createKeySource({ kind: 'jwks', url: server.url }, { clock })
  const verifier = createVerifier({ keys, issuer: 'i', audience: ['a', 'b'], clock })
  const sign = (aud: string) =>
    new SignJWT({ ...TIMES, iss: 'i', sub: 'ada', aud })
      .setProtectedHeader({ alg: 'RS512', kid: '1' })
      .sign(privateKey)
  expect(await verifier.verify(await sign('b'))).toMatchObject({ ok: true })
  expect(await verifier.verify(await sign('a,b'))).toMatchObject({ ok: false })
})

describe('a list of audiences', () => {
  const read = (AUTH_JWT_AUDIENCE: string) =>
    readEnv({ AUTH_JWT_SECRET: 's'.repeat(32), AUTH_JWT_ISSUER: 'https://a.example,b', AUTH_JWT_AUDIENCE })
      .auth

  it.each([
    ['a', 'a'],
    ['a,b', ['a', 'b']],
    [' a , b ,', ['a', 'b']],
    ['none', 'none'],
  ])('%j is read as %j; an issuer is one text', (text, audience) => {
    expect(read(text)).toMatchObject({ audience, issuer: 'https://a.example,b' })
  })

  it.each(['none,a', 'a,none', ',', ' , '])('%j is refused', (text) => {
    expect(() => read(text)).toThrow(EnvError)
    expect(() => read(text)).toThrow(/AUTH_JWT_AUDIENCE/)
  })
})
