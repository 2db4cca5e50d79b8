import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { profileFromClaims } from '../../server/auth/profile-claims.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const standard = new Map([
  ['name', 'name'],
  ['email', 'email'],
  ['imageUrl', 'picture'],
])

describe('what claims say of a user', () => {
  it.each([
    [
      'everything',
      { name: 'Ada', email: 'a@x.test', email_verified: true, picture: 'p' },
      { name: 'Ada', email: 'a@x.test', imageUrl: 'p' },
    ],
    ['an email that nobody verified', { email: 'a@x.test' }, {}],
    ['an email that is said not to be verified', { email: 'a@x.test', email_verified: false }, {}],
    [
      'an email that is verified in words',
      { email: 'a@x.test', email_verified: 'true' },
      { email: 'a@x.test' },
    ],
    [
      'an email that is verified by another name',
      { email: 'a@x.test', emailVerified: true },
      { email: 'a@x.test' },
    ],
    [
      'an email that is said so by one name alone',
      { email: 'a@x.test', email_verified: false, emailVerified: true },
      {},
    ],
    [
      'an email that the user says is verified',
      { email: 'a@x.test', user_metadata: { email_verified: true } },
      {},
    ],
    ['an email that is verified in other words', { email: 'a@x.test', email_verified: 'TRUE' }, {}],
    ['an email that is verified in numbers', { email: 'a@x.test', email_verified: 1 }, {}],
    ['nothing', {}, {}],
    ['empty claims', { name: '', picture: null }, {}],
  ])('%s', (_what, claims, profile) => {
    expect(profileFromClaims(standard, claims)).toEqual(profile)
  })

  it('comes from the claims that the app names, never from what every object has', () => {
    const claimOf = new Map([
      ['name', 'https://app.test/nick'],
      ['email', 'constructor'],
      ['phone', 'phone_number'],
    ])
    const claims = { 'https://app.test/nick': 'ada', phone_number: '+1', phone_number_verified: true }
    expect(profileFromClaims(claimOf, claims)).toEqual({ name: 'ada', phone: '+1' })
    expect(profileFromClaims(claimOf, { phone_number: '+1' })).toEqual({})
  })

  it('is found by its path, through own properties alone, and a whole name comes first', () => {
    const claimOf = new Map([['name', 'user_metadata.full_name']])
    const named = (claims: Record<string, unknown>) => profileFromClaims(claimOf, claims)
    expect(named({ user_metadata: { full_name: 'Ada' } })).toEqual({ name: 'Ada' })
    expect(named({ 'user_metadata.full_name': 'A', user_metadata: { full_name: 'B' } })).toEqual({
      name: 'A',
    })
    expect(named({ user_metadata: 'full_name' })).toEqual({})
    expect(named({ user_metadata: ['full_name'] })).toEqual({})
    expect(profileFromClaims(new Map([['name', 'a.b.c.d']]), { a: { 'b.c': { d: 'x' } } })).toEqual({
      name: 'x',
    })
    for (const path of ['constructor.name', '__proto__.constructor.name', 'sub.length', 'a.constructor'])
      expect(profileFromClaims(new Map([['name', path]]), { sub: 'ada', a: {} })).toEqual({})
  })

  it('has no email of another claim beside one that is verified', () => {
    const claimOf = new Map([['email', 'user_metadata.email']])
    const claims = { email: 'ada@x.test', email_verified: true }
    expect(profileFromClaims(claimOf, { ...claims, user_metadata: { email: 'eve@x.test' } })).toEqual({})
    expect(profileFromClaims(claimOf, { ...claims, user_metadata: { email: 'ada@x.test' } })).toEqual({
      email: 'ada@x.test',
    })
  })

  it('has no email that nobody verified, whatever the claim is called', () => {
    const claimOf = new Map([['email', 'https://app.test/email']])
    const claims = { 'https://app.test/email': 'ada@x.test' }
    expect(profileFromClaims(claimOf, claims)).toEqual({})
    expect(profileFromClaims(claimOf, { ...claims, email_verified: false })).toEqual({})
    expect(profileFromClaims(claimOf, { ...claims, email_verified: true })).toEqual({ email: 'ada@x.test' })
  })
})

describe('users.register', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await createTestApp()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  it('writes the caller’s own row, and keeps what later claims do not say', async () => {
    const verified = { name: 'Ada', email: 'ada@x.test', email_verified: true }
    expect(await (await app.as('ada', verified)).users.register()).toMatchObject({
      data: {
        user: { recordId: 'ada', data: { name: 'Ada', email: 'ada@x.test', imageUrl: null, role: 'member' } },
      },
    })
    const later = await app.as('ada', { name: 'Ada L.', email: 'eve@x.test' })
    expect(await later.users.register()).toMatchObject({
      data: { user: { version: 2, data: { name: 'Ada L.', email: 'ada@x.test' } } },
    })
  })

  it('takes no role from a token', async () => {
    const eve = await app.as('eve', { role: 'admin', name: 'Eve' })
    expect(await eve.users.register()).toMatchObject({ data: { user: { data: { role: 'member' } } } })
    expect(await eve.users.me()).toMatchObject({ data: { role: 'member', isOwner: false } })
  })

  it('names a claim that is no text', async () => {
    const odd = await app.as('odd', { name: 7 } as never)
    expect(await odd.users.register()).toMatchObject({
      code: 'BAD_REQUEST',
      issues: [{ path: ['claims', 'name'] }],
    })
    expect(await odd.users.me()).toMatchObject({ data: { user: null } })
  })
})
