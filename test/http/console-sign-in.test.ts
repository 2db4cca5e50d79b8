import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createKeySource } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { readEnv } from '../../server/env/environment.ts'
import { openBrowser } from '../support/browser.ts'
import { builtConsole } from '../support/console-build.ts'
import {
  CLIENT_ID,
  type Misdeeds,
  type OpenIdProvider,
  startOpenIdProvider,
} from '../support/openid-provider.ts'
import { createTestApp } from '../support/test-app.ts'

const PATIENCE = 120_000
const SOON = { timeout: 30_000 }
const API = 'https://api.example.com'
const HOUR_SECONDS = 3_600

let built: Awaited<ReturnType<typeof builtConsole>>
let chromium: Awaited<ReturnType<typeof openBrowser>>
let provider: OpenIdProvider
let app: Awaited<ReturnType<typeof serveFor>>
/** How far the server's clock, by which it verifies tokens, is ahead. */
let aheadMs = 0
const problems: string[] = []
const contexts: BrowserContext[] = []

/** A server whose environment names the provider, with what tests of this file change of it. */
async function serveFor(more: Readonly<Record<string, string>>) {
  const env = readEnv({
    AUTH_JWKS_URL: provider.jwksUrl.href,
    AUTH_JWT_ISSUER: provider.issuer,
    AUTH_JWT_AUDIENCE: API,
    CONSOLE: 'on',
    CONSOLE_OIDC_ISSUER: provider.issuer,
    CONSOLE_OIDC_CLIENT_ID: CLIENT_ID,
    ...more,
  })
  if (env.auth.kind !== 'configured') throw new Error('It has no key source')
  const { key, issuer, audience } = env.auth
  const verifier = createVerifier({
    keys: createKeySource(key),
    issuer,
    audience,
    clock: () => new Date(Date.now() + aheadMs),
  })
  const opened = await createTestApp({
    verifier,
    console: { folder: built.folder, signIn: env.consoleSignIn },
  })
  return {
    opened,
    url: `${await opened.listen()}/console`,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

beforeAll(async () => {
  built = await builtConsole()
  provider = await startOpenIdProvider()
  app = await serveFor({ CONSOLE_OIDC_AUDIENCE: API })
  chromium = await openBrowser()
}, PATIENCE)
afterAll(async () => {
  await chromium[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
  await built[Symbol.asyncDispose]()
}, PATIENCE)
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close()
  aheadMs = 0
  provider.user = 'owner'
  provider.misdeeds = {}
  provider.hang(false)
  provider.asked.length = 0
  provider.exchanged.length = 0
  provider.secrets.length = 0
  // What the policy refuses, the browser writes to the console.
  expect(problems.splice(0)).toEqual([])
})

async function open(address = app.url, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await chromium.browser.newContext(options)
  contexts.push(context)
  const page = await context.newPage()
  page.setDefaultTimeout(SOON.timeout)
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    const isOfPolicy = !/the server responded with a status|net::ERR_/.test(message.text())
    if (message.type() === 'error' && isOfPolicy) problems.push(message.text())
  })
  await page.goto(address)
  return page
}

const signIn = (page: Page) => page.getByRole('button', { name: /^Sign in at 127\.0\.0\.1/ }).click()
/** A token of the owner, as a person gets one in a tab of theirs. */
async function ownerToken(): Promise<string> {
  const page = await open()
  await signIn(page)
  await isIn(page)
  return String(await page.evaluate('sessionStorage["deputy-console-token"]'))
}
const isIn = (page: Page) => page.getByRole('navigation', { name: 'Pages' }).waitFor()

/** Everything of a tab that outlasts a page, or that others may read. */
async function traces(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page)
  const { entries } = await session.send('Page.getNavigationHistory')
  const addresses = entries.filter(({ url }) => url.startsWith(app.url)).map(({ url }) => url)
  const stored = await page.evaluate(
    'JSON.stringify([localStorage, document.cookie, location.href, window.name])',
  )
  return JSON.stringify([addresses, stored, await page.context().cookies()])
}

describe('a sign-in to the console at an OpenID provider', { timeout: PATIENCE }, () => {
  it('comes back to the address that was wanted, and the server takes the token', async () => {
    const page = await open()
    const loaded: string[] = []
    page.on('request', (request) => loaded.push(request.url()))
    await page.goto(`${app.url}?shared#/calls/user/ada`)
    await page.reload()
    const flow = () => loaded.filter((address) => /\/assets\/oidc-[^/]+\.js$/.test(address))
    await page.getByText('With your account').waitFor()
    expect(flow()).toEqual([])
    await signIn(page)
    await isIn(page)
    expect(flow().length).toBeGreaterThan(0)
    expect(page.url()).toBe(`${app.url}#/calls/user/ada`)
    await page.getByRole('heading', { name: 'Calls' }).waitFor()
    await page.getByText('owner', { exact: true }).first().waitFor()
    const [asked] = provider.asked
    expect(Object.fromEntries(asked ?? [])).toEqual({
      response_type: 'code',
      client_id: CLIENT_ID,
      redirect_uri: app.url,
      scope: 'openid',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      audience: API,
    })
    // It is kept as one that is pasted: for the tab.
    const token = await page.evaluate('sessionStorage["deputy-console-token"]')
    expect(provider.secrets).toContain(token)
    expect(await page.evaluate('Object.keys(sessionStorage)')).toEqual(['deputy-console-token'])
    const left = await traces(page)
    const log = JSON.stringify(app.opened.logged)
    expect(left).toContain(app.url)
    for (const secret of [...provider.secrets, asked?.get('state') ?? '']) {
      expect(left).not.toContain(secret)
      expect(log).not.toContain(secret)
    }
    await page.reload()
    await isIn(page)
    expect(provider.asked).toHaveLength(1)
  })

  it.each<[string, Misdeeds, RegExp]>([
    [
      'a person who says no',
      { back: { code: undefined, error: 'access_denied' } },
      /was cancelled, or the provider refuses this account\.$/,
    ],
    [
      'a refusal with a reason',
      { back: { code: undefined, error: 'server_error', error_description: '<b>Closed</b>' } },
      /refuses the sign-in \(server_error\): <b>Closed<\/b>$/,
    ],
    ['another state', { back: { state: 'other' } }, /belongs to another sign-in .*\(state\)/],
    [
      'a refusal with another state',
      { back: { code: undefined, error: 'access_denied', state: 'other' } },
      /\(state\)/,
    ],
    [
      'another issuer',
      { back: { iss: 'https://evil.example' } },
      /comes from https:\/\/evil\.example, and the sign-in was begun at http/,
    ],
    [
      'no issuer, where it is announced',
      { back: { iss: undefined } },
      /comes from a provider that does not say who it is/,
    ],
    ['another nonce', { idToken: { nonce: 'other' } }, /not right \(.*"nonce"/],
    ['an ID token for another client', { idToken: { aud: 'other' } }, /not right \(.*"aud"/],
    [
      'times that are over',
      { idToken: { exp: 1_700_000_000 } },
      /times in the provider's token are not now: .* Set its clock right/,
    ],
    [
      'an access token that is good later',
      { accessToken: { iat: 4_000_000_000, exp: 4_000_003_600 } },
      /good from 2096-10-02T07:06:40\.000Z on, and the server says that it is .* clocks is off/,
    ],
    [
      'an access token for something else',
      { accessToken: { aud: 'other' } },
      /does not take this token, which is of http:\/\/127\S+ and for other: AUTH_JWT_ISSUER/,
    ],
    ['an access token that is no JWT', { accessToken: 'opaque' }, /no JWT.*CONSOLE_OIDC_AUDIENCE/],
    [
      'no token',
      { refusal: { error: 'invalid_client', error_description: 'public' } },
      /gives no token \(invalid_client\): public$/,
    ],
    [
      'another name for itself',
      { metadata: { issuer: 'https://evil.example' } },
      /does not describe an OpenID provider that is http/,
    ],
    [
      'no PKCE',
      { metadata: { code_challenge_methods_supported: ['plain'] } },
      /does not take PKCE with S256/,
    ],
    [
      'tokens at another origin',
      { metadata: { token_endpoint: 'http://127.0.0.1:1/t' } },
      /CONSOLE_OIDC_TOKEN_ORIGIN=http:\/\/127\.0\.0\.1:1 lets it/,
    ],
    [
      'an endpoint that is no page',
      { metadata: { authorization_endpoint: 'javascript:alert(1)' } },
      /no authorization_endpoint that begins with https/,
    ],
  ])('with %s is told of, and can be tried again', async (_, misdeeds, sentence) => {
    provider.misdeeds = misdeeds
    const page = await open(`${app.url}#/health`)
    await signIn(page)
    await expect.poll(() => page.getByRole('alert').textContent(), SOON).toMatch(sentence)
    expect(page.url()).toBe(`${app.url}#/health`)
    expect(await page.evaluate('Object.keys(sessionStorage)')).toEqual([])
    provider.misdeeds = {}
    await signIn(page)
    await isIn(page)
    expect(page.url()).toBe(`${app.url}#/health`)
  })

  it('at a provider whose name has another end says which is right', async () => {
    provider.misdeeds = { metadata: { issuer: `${provider.issuer}/` } }
    const page = await open()
    await signIn(page)
    await page.getByRole('alert').filter({ hasText: 'a slash at the end included' }).waitFor()
  })

  it('at a provider that does not answer is told of, and can be tried again', async () => {
    provider.hang(true)
    const page = await open()
    await signIn(page)
    await page.getByRole('alert').filter({ hasText: 'does not answer this page' }).waitFor()
    provider.hang(false)
    await signIn(page)
    await isIn(page)
  })

  it('that was begun in no tab, or is over, gives nothing', async () => {
    const page = await open(`${app.url}?code=stolen&state=known#/health`)
    await page.getByRole('alert').filter({ hasText: 'not begun in this tab' }).waitFor()
    expect(page.url()).toBe(`${app.url}#/health`)
    await signIn(page)
    await isIn(page)
    const token = await page.evaluate('sessionStorage["deputy-console-token"]')
    const [asked] = provider.asked
    await page.goto(`${app.url}?code=stolen&state=${asked?.get('state')}`)
    await isIn(page)
    expect(page.url()).toBe(app.url)
    expect(await page.evaluate('sessionStorage["deputy-console-token"]')).toBe(token)
  })

  it('of a member is refused, and someone else can sign in', async () => {
    provider.user = 'member'
    const page = await open()
    await signIn(page)
    await page
      .getByRole('alert')
      .filter({ hasText: 'for the owner and admins, and member is neither' })
      .waitFor()
    expect(await page.getByRole('navigation').count()).toBe(0)
    provider.user = 'owner'
    await page.getByRole('button', { name: 'Sign in as someone else' }).click()
    await isIn(page)
    expect(provider.asked.map((asked) => asked.get('prompt'))).toEqual([null, 'login'])
  })

  it('is asked for again when the token ends, and what was typed is kept', async () => {
    const owner = app.opened.createCaller({ token: await ownerToken() })
    const event = { title: 'Old', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 5 }
    const made = await owner.actions.createEvent(event)
    if (!made.success) throw new Error(made.error)
    const page = await open(`${app.url}#/data/events/record/${made.data.recordId}`)
    await signIn(page)
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('title', { exact: true }).fill('Changed')
    await page.goto(`${app.url}#/actions/createEvent`)
    await page.getByLabel('title').fill('Kept')
    aheadMs = 2 * HOUR_SECONDS * 1_000
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByRole('status').filter({ hasText: 'Your token has ended' }).waitFor()
    aheadMs = 0
    await signIn(page)
    await expect.poll(() => page.getByLabel('title').inputValue(), SOON).toBe('Kept')
    expect(await page.evaluate('Object.keys(sessionStorage)')).toEqual(['deputy-console-token'])
    await page.goto(`${app.url}#/data/events/record/${made.data.recordId}`)
    await expect.poll(() => page.getByLabel('title', { exact: true }).inputValue(), SOON).toBe('Changed')
  })

  it('that someone turns back from is begun again, and what was typed is kept', async () => {
    const page = await open(`${app.url}#/actions/createEvent`)
    await signIn(page)
    await page.getByLabel('title').fill('Kept')
    await page.getByRole('button', { name: 'Sign out' }).click()
    provider.misdeeds = { isStaying: true }
    await signIn(page)
    await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
    await page.goBack({ waitUntil: 'commit' })
    provider.misdeeds = {}
    await signIn(page)
    await expect.poll(() => page.getByLabel('title').inputValue(), SOON).toBe('Kept')
  })

  it('is made with the ID token, and at another origin, where the environment says so', async () => {
    await using other = await serveFor({
      AUTH_JWT_AUDIENCE: CLIENT_ID,
      CONSOLE_OIDC_TOKEN: 'id',
      CONSOLE_OIDC_SCOPE: 'openid email',
      CONSOLE_OIDC_RESOURCE: API,
      CONSOLE_OIDC_TOKEN_ORIGIN: provider.elsewhere,
    })
    provider.misdeeds = { metadata: { token_endpoint: `${provider.elsewhere}/token` } }
    const page = await open(other.url)
    await signIn(page)
    await isIn(page)
    const [asked] = provider.asked
    expect(asked?.get('scope')).toBe('openid email')
    for (const parameters of [asked, provider.exchanged[0]]) expect(parameters?.get('resource')).toBe(API)
  })

  it('is on a page that has nothing that axe finds, and is as wide as its window', async () => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    const page = await open(app.url, { viewport: { width: 360, height: 800 }, bypassCSP: true })
    provider.misdeeds = { accessToken: { aud: `https://${'long.'.repeat(20)}example` } }
    await signIn(page)
    await page.getByRole('alert').waitFor()
    await page.evaluate(axe)
    const found = (await page.evaluate('axe.run()')) as { violations: { id: string }[] }
    expect(found.violations.map(({ id }) => id)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
  })

  it('is not there without a provider, and what is pasted is tried before it is kept', async () => {
    await using plain = await createTestApp({ console: { folder: built.folder } })
    const page = await open(`${await plain.listen()}/console?code=1&state=2`)
    await page.getByText('With a token').waitFor()
    expect(await page.getByText('With your account').count()).toBe(0)
    await page.getByLabel('Token of the owner or an admin').fill('a.b.c')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('alert').filter({ hasText: 'The server does not take this token' }).waitFor()
    expect(await page.evaluate('Object.keys(sessionStorage)')).toEqual([])
  })
})
