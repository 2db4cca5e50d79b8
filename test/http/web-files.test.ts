import { mkdir, rename, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readWebFiles } from '../../server/http/web-files.ts'
import { temporaryDirectory } from '../support/guarded.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get, post } from './send.ts'

// limits.md: web

const PAGE = '<!doctype html><script type="module" src="/assets/index-B3xkQ9f_.js"></script>'
const SCRIPT = `console.log(${JSON.stringify('x'.repeat(2_000))})`
const FILES: Readonly<Record<string, string>> = {
  'index.html': PAGE,
  'assets/index-B3xkQ9f_.js': SCRIPT,
  'assets/plain.css': 'body { margin: 0 }',
  'mark.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'file.unknown-type': 'bytes',
  'a b.txt': 'with a space',
  '.env': 'SECRET=1',
  '.well-known/security.txt': 'Contact: mailto:security@example.com',
}

async function frontEnd(files: Readonly<Record<string, string>>) {
  const folder = await temporaryDirectory('web')
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder.path, name, '..'), { recursive: true })
    await writeFile(join(folder.path, name), text)
  }
  return folder
}
const read = (folder: string, sources = {}) => readWebFiles({ folder, sources, isCompressing: true })

describe.each(['with routes of the app', 'without'])('a front end, %s', (which) => {
  let folder: Awaited<ReturnType<typeof frontEnd>>
  let app: TestApp
  let url: string
  beforeAll(async () => {
    folder = await frontEnd(FILES)
    await symlink('/etc/hostname', join(folder.path, 'link.txt'))
    const routes = () => new Hono().get('/hooks/:name', (c) => c.text(`hook ${c.req.param('name')}`))
    app = await createTestApp({
      routes: which === 'without' ? undefined : routes,
      webFiles: await read(folder.path, { connect: ['https://auth.example.com'] }),
    })
    url = await app.listen()
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  const HTML = { headers: { accept: 'text/html,application/xhtml+xml' } }

  it.each([
    ['/', 'text/html; charset=utf-8', 'no-cache'],
    ['/index.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/assets/index-B3xkQ9f_.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/assets/plain.css', 'text/css; charset=utf-8', 'no-cache'],
    ['/mark.svg', 'image/svg+xml; charset=utf-8', 'no-cache'],
    ['/file.unknown-type', 'application/octet-stream', 'no-cache'],
    ['/a%20b.txt', 'text/plain; charset=utf-8', 'no-cache'],
    ['/.well-known/security.txt', 'text/plain; charset=utf-8', 'no-cache'],
  ])('serves %s as %s', async (path, type, caching) => {
    const answer = await get(url + path)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(type)
    expect(answer.headers.get('cache-control')).toBe(caching)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('x-request-id')).toEqual(expect.any(String))
    expect(answer.text).toBe(FILES[decodeURIComponent(path).slice(1) || 'index.html'])
    const again = await get(url + path, { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } })
    expect([again.status, again.text]).toEqual([304, ''])
    const head = await get(url + path, {}, 'HEAD')
    expect([head.status, head.text]).toEqual([200, ''])
    expect(await post(url + path)).toMatchObject({ status: 405, json: { code: 'METHOD_NOT_SUPPORTED' } })
  })

  it('gives pages, and pictures that are documents, a policy under which nothing foreign runs', async () => {
    for (const path of ['/', '/mark.svg', '/events/1']) {
      const { headers } = await get(url + path, HTML)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'; connect-src 'self' https://auth.example.com; ")
      expect(policy).toContain("script-src 'self'; style-src 'self'; ")
      expect(policy).toContain("frame-ancestors 'none'")
    }
    expect((await get(`${url}/assets/plain.css`)).headers.get('content-security-policy')).toBeNull()
  })

  it('answers a browser at any address that is no file with its page', async () => {
    for (const path of ['/events/1', '/sign-in?next=%2F', '/ev%C3%A9nements']) {
      const answer = await get(url + path, HTML)
      expect([answer.status, answer.text]).toEqual([200, PAGE])
    }
  })

  it.each([
    ['/events/1', {}],
    ['/missing.js', HTML],
    ['/assets/index-00000000.js', HTML],
    ['/api/nothing', HTML],
    ['/api%2Fnothing', HTML],
    ['/trpc', HTML],
    ['/docs/missing', HTML],
    ['/.env', {}],
    ['/link.txt', {}],
    ['/assets', {}],
    ['/..%2f..%2fetc%2fpasswd', {}],
    ['/assets/..%2findex.html', {}],
    ['/__proto__', {}],
    ['/constructor', {}],
    ['/%00', {}],
    ['/%', {}],
  ])('has nothing at %s', async (path, sending) => {
    const answer = await get(url + path, sending)
    expect([401, 404]).toContain(answer.status)
    expect(answer.text).not.toContain('SECRET')
    expect(answer.headers.get('content-type')).toBe('application/json')
  })

  it('takes what is no reading for no page', async () => {
    expect(await post(`${url}/events/1`, HTML)).toMatchObject({ status: 404 })
  })

  it('leaves the routes of the app and the engine where they were', async () => {
    const token = await app.token('ada')
    expect(await get(`${url}/api/credits`, { token })).toMatchObject({ status: 200 })
    expect((await get(`${url}/docs`, HTML)).text).not.toBe(PAGE)
    expect((await get(`${url}/healthz`, HTML)).status).toBe(200)
    const hook = await get(`${url}/hooks/one`, HTML)
    expect(hook.text).toBe(which === 'without' ? PAGE : 'hook one')
  })

  it('sends fewer bytes to whom takes them, the same ones each time', async () => {
    const address = `${url}/assets/index-B3xkQ9f_.js`
    for (const coding of ['br', 'gzip']) {
      const answer = await get(address, { headers: { 'accept-encoding': coding } })
      expect(answer.headers.get('content-encoding')).toBe(coding)
      expect(answer.headers.get('vary')).toContain('Accept-Encoding')
      expect(answer.text).toBe(SCRIPT)
    }
    const plain = await get(address, { headers: { 'accept-encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
  })

  it('serves what was read, whatever becomes of the disk', async () => {
    const file = join(folder.path, 'mark.svg')
    await rename(file, `${file}.gone`)
    expect((await get(`${url}/mark.svg`)).status).toBe(200)
    await rename(`${file}.gone`, file)
  })
})

describe('a front end that cannot be served', () => {
  it('is none where it was not built', async () => {
    await using folder = await temporaryDirectory('web')
    expect(await read(join(folder.path, 'web'))).toBeUndefined()
  })

  it.each([
    ['without a page', { 'main.js': '' }, {}, 'has no index.html'],
    ['with a script in its page', { 'index.html': '<script>alert(1)</script>' }, {}, 'a script within it'],
    ['with a module in it', { 'index.html': '<script type="module">1</script>' }, {}, 'a script within it'],
    ['at an address of the engine', { 'index.html': PAGE, 'docs/a.html': '' }, {}, 'are the engine’s'],
    [
      'with a source that is none',
      { 'index.html': PAGE },
      { script: ["'unsafe-inline'"] },
      'a scheme and a host',
    ],
    [
      'with two sources in one',
      { 'index.html': PAGE },
      { img: ['https://a.b; script-src *'] },
      'a scheme and a',
    ],
    ['with a wildcard alone', { 'index.html': PAGE }, { connect: ['*'] }, 'a scheme and a host'],
    ['with sources of what is none', { 'index.html': PAGE }, { default: ['https://a.b'] }, 'has no default'],
  ])('is refused %s', async (_, files, sources, message) => {
    await using folder = await frontEnd(files)
    await expect(read(folder.path, sources)).rejects.toThrow(message)
  })

  it('is refused beyond 64 MiB, and served up to it', async () => {
    await using folder = await frontEnd({ 'index.html': PAGE })
    const file = join(folder.path, 'film.mp4')
    await writeFile(file, '')
    const room = 64 * 2 ** 20 - PAGE.length
    await truncate(file, room)
    expect(await read(folder.path)).toBeDefined()
    await truncate(file, room + 1)
    await expect(read(folder.path)).rejects.toThrow('more than 64 MiB')
  })

  it('takes data that is written into its page', async () => {
    await using folder = await frontEnd({ 'index.html': '<script type="application/ld+json">{}</script>' })
    expect(await read(folder.path)).toBeDefined()
  })
})
