import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtConsole } from '../support/console-build.ts'
import { temporaryDirectory } from '../support/guarded.ts'
import { createTestApp } from '../support/test-app.ts'
import { get, post, rawRequest, sendRaw } from './send.ts'

// limits.md: console-token
const MAX_GZIP_BYTES = 300_000

let built: Awaited<ReturnType<typeof builtConsole>>
let app: Awaited<ReturnType<typeof createTestApp>>
let url: string
beforeAll(async () => {
  built = await builtConsole()
  app = await createTestApp({
    console: {
      folder: built.folder,
      mint: async () => ({ token: await app.token('owner'), userId: 'owner' }),
    },
  })
  url = await app.listen()
}, 120_000)
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await built[Symbol.asyncDispose]()
})

const SIGN_IN = '/console/development-token'
const own = () => ({ origin: url, 'deputy-console': 'sign-in' })

describe('the console', () => {
  it('is a page under a strict policy, which no page may frame and which loads nothing from elsewhere', async () => {
    for (const path of ['/console', '/console/']) {
      const page = await get(`${url}${path}`)
      expect(page).toMatchObject({ status: 200, text: expect.stringContaining('<div id="root">') })
      const policy = page.headers.get('content-security-policy') ?? ''
      expect(policy.split('; ')).toEqual(
        expect.arrayContaining([
          "default-src 'none'",
          "script-src 'self'",
          "style-src 'self'",
          "connect-src 'self'",
          "frame-ancestors 'none'",
          "base-uri 'none'",
        ]),
      )
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
      const scripts = [...page.text.matchAll(/<script[^>]*>/g)].map(([tag]) => tag)
      expect(scripts.length).toBeGreaterThan(0)
      for (const tag of scripts) expect(tag).toMatch(/ src="\/console\/assets\//)
      expect(page.text).not.toMatch(/ (?:src|href)="https?:/)
    }
  })

  it('is the same for everyone, and its files are kept by browsers for ever', async () => {
    const [page, other] = [
      await get(`${url}/console`),
      await get(`${url}/console`, { token: await app.token('owner') }),
    ]
    expect(other.text).toBe(page.text)
    const assets = [...page.text.matchAll(/\/console\/assets\/[^"]+/g)].map(([path]) => path)
    expect(assets.length).toBeGreaterThan(1)
    for (const path of assets) {
      const file = await get(`${url}${path}`)
      expect(file).toMatchObject({ status: 200 })
      expect(file.headers.get('cache-control')).toContain('immutable')
    }
  })

  it('has the licences of what is in it', async () => {
    const text = await readFile(join(built.folder, 'licences.md'), 'utf8')
    for (const name of [
      'react',
      'react-dom',
      '@tanstack/react-query',
      '@trpc/client',
      'superjson',
      'oauth4webapi',
    ])
      expect(text).toMatch(new RegExp(`^## ${name}\\b`, 'm'))
  })

  it('weighs at most 300 kB, compressed', async () => {
    const names = await readdir(built.folder, { recursive: true, withFileTypes: true })
    const files = names.filter((entry) => entry.isFile())
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => gzipSync(await readFile(join(parentPath, name))).length),
    )
    expect(sizes.length).toBeGreaterThan(2)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_GZIP_BYTES)
  })

  it.each([
    '/console/nothing',
    '/console/assets/none.js',
    '/console/assets/..%2f..%2fpackage.json',
    '/consoles',
  ])('has nothing at %s', async (path) => {
    expect(await get(`${url}${path}`)).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } })
  })

  it('is read, and not written', async () => {
    expect(await post(`${url}/console`)).toMatchObject({ status: 405 })
  })
})

describe('a sign-in at a provider', () => {
  const signIn = {
    issuer: 'https://id.example.com/a?"<b>&amp;$&',
    clientId: 'console',
    scope: 'openid',
    token: 'access',
    tokenOrigin: 'https://tokens.example.com',
  } as const
  const policyOf = (connect: string) =>
    `default-src 'none'; connect-src ${connect}; font-src 'self'; frame-src 'none'; img-src 'self' data: blob:; media-src 'self'; script-src 'self'; style-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`

  it('is written into the page, which may call the provider and nothing else', async () => {
    await using other = await createTestApp({ console: { folder: built.folder, signIn } })
    const page = await get(`${await other.listen()}/console`)
    expect(page.headers.get('content-security-policy')).toBe(
      policyOf("'self' https://id.example.com https://tokens.example.com"),
    )
    const metas = [...page.text.matchAll(/<meta name="deputy-console-sign-in" content="([^"]*)">\n<\/head>/g)]
    const unescaped = (metas[0]?.[1] ?? '')
      .replaceAll('&quot;', '"')
      .replaceAll('&lt;', '<')
      .replaceAll('&amp;', '&')
    expect(JSON.parse(unescaped)).toEqual(signIn)
    expect(page.text.replace(`${metas[0]?.[0]}`, '</head>')).toBe(
      await readFile(join(built.folder, 'index.html'), 'utf8'),
    )
  })

  it('that is not configured changes neither the page nor its policy', async () => {
    const page = await get(`${url}/console`)
    expect(page.headers.get('content-security-policy')).toBe(policyOf("'self'"))
    expect(page.text).toBe(await readFile(join(built.folder, 'index.html'), 'utf8'))
  })

  it('is loaded by those who sign in so: what opens with the page has nothing of it', async () => {
    const page = await get(`${url}/console`)
    const scripts = [...page.text.matchAll(/ (?:src|href)="(\/console\/assets\/[^"]+\.js)"/g)]
    expect(scripts.length).toBeGreaterThan(0)
    for (const [, path] of scripts) expect((await get(`${url}${path}`)).text).not.toContain('code_challenge')
    const names = await readdir(join(built.folder, 'assets'))
    const texts = await Promise.all(names.map((name) => readFile(join(built.folder, 'assets', name), 'utf8')))
    expect(texts.filter((text) => text.includes('code_challenge'))).toHaveLength(1)
  })
})

describe('a sign-in by one click', () => {
  it('gives the console of this machine a token of the owner', async () => {
    const given = await post(`${url}${SIGN_IN}`, { headers: own() })
    expect(given).toMatchObject({ status: 200, json: { data: { userId: 'owner' } } })
    expect(given.headers.get('cache-control')).toBe('no-store')
    expect(given.headers.get('set-cookie')).toBeNull()
    expect(given.headers.get('access-control-allow-origin')).toBeNull()
    const { token } = given.json.data as { token: string }
    expect(await get(`${url}/api/users/me`, { token })).toMatchObject({ json: { data: { isOwner: true } } })
  })

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('is no %s', async (method) => {
    const answer = await fetch(`${url}${SIGN_IN}`, { method, headers: own() })
    expect(answer.status).toBe(405)
    expect(await answer.text()).not.toContain('token"')
  })

  it('is refused to another origin, to a name that was pointed here, and through a proxy', async () => {
    const refused = [
      { 'deputy-console': 'sign-in' },
      { ...own(), origin: 'https://evil.example' },
      { origin: url },
      { ...own(), 'x-forwarded-for': '203.0.113.7' },
    ]
    for (const headers of refused)
      expect(await post(`${url}${SIGN_IN}`, { headers })).toMatchObject({ status: 403 })
    const rebound = [
      'Host: evil.example',
      'Origin: http://evil.example',
      'Deputy-Console: sign-in',
      'Content-Length: 0',
    ]
    const raw = rawRequest(`POST ${SIGN_IN}`, rebound).replace('Host: deputy.test\r\n', '')
    expect(await sendRaw(url, raw)).toMatchObject({
      statuses: [403],
      text: expect.not.stringContaining('"token"'),
    })
  })

  it('is there with a development key alone', async () => {
    await using other = await createTestApp({ console: { folder: built.folder } })
    const at = await other.listen()
    const headers = { origin: at, 'deputy-console': 'sign-in' }
    expect(await post(`${at}${SIGN_IN}`, { headers })).toMatchObject({ status: 404 })
    expect(await get(`${at}/console`)).toMatchObject({ status: 200 })
  })
})

describe('without a console', () => {
  it('there is nothing at its addresses, for the app neither', async () => {
    await using off = await createTestApp()
    const at = await off.listen()
    for (const path of ['/console', '/console/', SIGN_IN])
      expect(await get(`${at}${path}`)).toMatchObject({ status: 404 })
    const headers = { origin: at, 'deputy-console': 'sign-in' }
    expect(await post(`${at}${SIGN_IN}`, { headers })).toMatchObject({ status: 404 })
  })

  it('that was built, one that is on says so', async () => {
    await using empty = await temporaryDirectory('no-console')
    await using unbuilt = await createTestApp({ console: { folder: join(empty.path, 'none') } })
    const at = await unbuilt.listen()
    expect(await get(`${at}/console`)).toMatchObject({
      status: 404,
      json: { error: expect.stringContaining('npm run build') },
    })
  })
})
