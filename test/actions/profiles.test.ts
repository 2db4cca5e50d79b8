import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from './test-app.ts'
import { startUpstream, type Upstream, type UpstreamAnswer } from './upstream.ts'

let platform: Upstream
let app: TestApp
beforeAll(async () => {
  platform = await startUpstream(() => ({ body: {} }))
  app = await createTestApp({ env: { PLATFORM_URL: `${platform.url}/v1/` } })
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await platform[Symbol.asyncDispose]()
})

/** The caller's row, read back by a merge that changes nothing. */
async function profile(userId: string, answer: UpstreamAnswer['body']) {
  platform.answer = () => ({ body: answer })
  return (await app.as(userId)).actions.syncProfile({})
}

describe('registerProfile', () => {
  it.each([
    ['verified', { email: 'a@example.com', email_verified: true }, 'a@example.com'],
    ['not verified', { email: 'a@example.com', email_verified: false }, null],
    ['not said to be verified', { email: 'a@example.com' }, null],
    ['verified as text', { email: 'a@example.com', email_verified: 'true' }, 'a@example.com'],
    ['no text', { email: { a: 1 }, email_verified: true }, null],
  ])('keeps the email of a token where it is %s: %j', async (what, claims, email) => {
    const userId = `register ${what}`
    const ada = await app.as(userId, claims)
    expect(await ada.actions.registerProfile({ name: 'Ada' })).toEqual({
      success: true,
      data: { recordId: userId },
    })
    expect(await profile(userId, { name: 'Ada' })).toMatchObject({
      data: { user: { recordId: userId, data: { name: 'Ada', email, role: 'member' }, version: 2 } },
    })
  })

  it('takes neither an email nor a role nor an id from its input', async () => {
    const ada = await app.as('register-input')
    for (const extra of [
      { email: 'eve@example.com' },
      { role: 'admin' },
      { isAdmin: true },
      { userId: 'bob' },
    ])
      await expect(ada.actions.registerProfile({ name: 'Ada', ...extra })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      })
  })

  it('keeps what a later call leaves out, and takes images over http alone', async () => {
    const ada = await app.as('register-merge', { email: 'a@example.com', email_verified: true })
    await ada.actions.registerProfile({ name: 'Ada', imageUrl: 'https://a.example/x.png' })
    await (await app.as('register-merge')).actions.registerProfile({ name: 'Ada L.' })
    expect(await profile('register-merge', { name: 'Ada L.' })).toMatchObject({
      data: { user: { data: { email: 'a@example.com', imageUrl: 'https://a.example/x.png' } } },
    })
    await expect(
      ada.actions.registerProfile({ name: 'Ada', imageUrl: 'javascript:alert(1)' }),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
})

describe('syncProfile', () => {
  it("asks the platform once, with the caller's own token, and registers the answer", async () => {
    const token = await app.token('sync-ada')
    platform.answer = () => ({ body: { name: 'Ada', email: 'ada@example.com', other: 1 } })
    const before = platform.requests.length
    const synced = await app.createCaller({ token }).actions.syncProfile({})
    expect(synced).toMatchObject({
      success: true,
      data: {
        user: { recordId: 'sync-ada', data: { name: 'Ada', email: 'ada@example.com', imageUrl: null } },
      },
    })
    expect(platform.requests.slice(before)).toEqual([
      { method: 'GET', path: '/v1/me', token, body: undefined },
    ])
    expect(JSON.stringify([synced, app.logged])).not.toContain(token)
  })

  it.each<[string, UpstreamAnswer]>([
    ['an error', { status: 500, body: { error: 'x' } }],
    ['a refusal', { status: 401, body: {} }],
    ['HTML', { contentType: 'text/html', body: '<h1>Welcome</h1>' }],
    ['HTML that claims to be JSON', { body: '<h1>Welcome</h1>' }],
    ['nothing', { body: '' }],
    ['a redirect', { status: 302, body: {} }],
    ['no name', { body: { email: 'ada@example.com' } }],
    ['a name of another type', { body: { name: 5 } }],
    ['an email that is none', { body: { name: 'Ada', email: 'ada' } }],
    ['an image that is a script', { body: { name: 'Ada', imageUrl: 'javascript:alert(1)' } }],
    ['a list', { body: [] }],
    ['null', { body: null }],
  ])('answers BAD_GATEWAY to %s, and registers nothing', async (what, answer) => {
    platform.answer = () => answer
    const ada = await app.as(`sync ${what}`)
    expect(await ada.actions.syncProfile({})).toMatchObject({ success: false, code: 'BAD_GATEWAY' })
    // The first row of this user is the one that is made now.
    expect(await profile(`sync ${what}`, { name: 'Ada' })).toMatchObject({ data: { user: { version: 1 } } })
  })

  it('answers BAD_GATEWAY when the platform is down', async () => {
    const gone = await startUpstream(() => ({ body: {} }))
    await gone[Symbol.asyncDispose]()
    await using alone = await createTestApp({ env: { PLATFORM_URL: gone.url } })
    const ada = await alone.as('ada')
    expect(await ada.actions.syncProfile({})).toMatchObject({ success: false, code: 'BAD_GATEWAY' })
  })

  it('names PLATFORM_URL when it is not set', async () => {
    await using alone = await createTestApp()
    const refused = await (await alone.as('ada')).actions.syncProfile({})
    expect(refused).toMatchObject({ success: false, code: 'PRECONDITION_FAILED' })
    expect(refused.error).toContain('PLATFORM_URL')
  })
})
