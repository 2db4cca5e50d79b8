// The example's front end as it is built, in a browser, while its streams are cut: by the server, by a token, on the way.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import { build, defaultClientConditions } from 'vite'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { loadApp } from '../../server/cli/load-app.ts'
import { readWebFiles } from '../../server/http/web-files.ts'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import { assembleTestApp } from '../../server/testing/assemble.ts'
import { openTestDatabase } from '../../server/testing/open-test-database.ts'
import { createCatalog } from '../../server/tools/catalog.ts'
import type { fixture } from '../fixture/app.ts'
import { openBrowser } from '../support/browser.ts'
import { temporaryDirectory } from '../support/guarded.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { shortened } from '../support/shortened.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PATIENCE = 240_000
const SOON = { timeout: PATIENCE_MS }
/** How long the laptop is asleep: at its whole length, longer than a token lasts. */
const SLEEP_MS = shortened({ short: 10_000, whole: 70_000 })
/** Of a token that expires while a page is open: so long that its streams count as steady, which are opened again at once. */
const LIFE_SECONDS = 7
const STALE = /There is no connection/

/** The fixture has the same events and users. */
type Alike = typeof fixture

async function openApp(folder: string) {
  const { app: example } = await loadApp({ isBuilt: false })
  const { collections, actions, routes, integrations, env } = example
  const tables = [...createCatalog(collections).keys()]
  const opened = await openTestDatabase({ tables, migrations: fileURLToPath(example.migrations) }, undefined)
  return assembleTestApp<Alike['actions'], Alike['collections']>(opened, {
    ...{ collections: collections as Alike['collections'], actions: actions as never },
    ...{ routes, declarations: integrations, appEnv: env.parse({}) },
    webFiles: await readWebFiles({ folder, isCompressing: false }),
    livePace: { checkEveryMs: 500 },
  })
}

/** A way to the server that can be cut: then nothing goes through, and no one is let in. */
async function openWay(port: () => number) {
  const sockets = new Set<Socket>()
  let isCut = false
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
  }
  const way = createServer((near) => {
    if (isCut) return void near.destroy()
    const far = connect(port(), '127.0.0.1')
    for (const socket of [near, far]) keep(socket)
    near.pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  way.listen(0, '127.0.0.1')
  await once(way, 'listening')
  const { port: own } = way.address() as { readonly port: number }
  return {
    url: `http://127.0.0.1:${own}/`,
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      isCut = false
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      way.close()
    },
  }
}

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let chromium: Awaited<ReturnType<typeof openBrowser>>
let app: Awaited<ReturnType<typeof openApp>>
let server: Listening
let way: Awaited<ReturnType<typeof openWay>>
const problems: string[] = []

beforeAll(async () => {
  directory = await temporaryDirectory('front-end')
  const outDir = join(directory.path, 'web')
  // For a test it would be built as for development.
  vi.stubEnv('NODE_ENV', 'production')
  await build({
    configFile: join(ROOT, 'client/web/vite.config.ts'),
    logLevel: 'error',
    resolve: { conditions: ['deputy-source', ...defaultClientConditions] },
    build: { outDir },
  }).finally(() => vi.unstubAllEnvs())
  app = await openApp(outDir)
  server = await listen({ http: app.http, host: '127.0.0.1', port: 0 })
  way = await openWay(() => Number(new URL(server.url).port))
  chromium = await openBrowser()
}, PATIENCE)
afterAll(async () => {
  await chromium[Symbol.asyncDispose]()
  way.close()
  await server.close(0)
  await app[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
}, PATIENCE)

/** Who signs users in, in place of a service: for how long, and whether at all. */
interface SignIn {
  lifeSeconds: number
  isOver: boolean
  /** How many tokens it has given. */
  given: number
}

async function answerSignIn(context: BrowserContext, user: string): Promise<SignIn> {
  const state: SignIn = { lifeSeconds: 3_600, isOver: false, given: 0 }
  const who = { user: { name: user } }
  await context.route('**/auth/**', async (route) => {
    const { pathname } = new URL(route.request().url())
    if (pathname === '/auth/sign-in/email') {
      state.isOver = false
      return route.fulfill({ json: who })
    }
    if (pathname === '/auth/get-session') return route.fulfill({ json: state.isOver ? null : who })
    if (state.isOver) return route.fulfill({ status: 401, json: { message: 'There is no session.' } })
    state.given += 1
    const exp = Math.floor(Date.now() / 1_000) + state.lifeSeconds
    return route.fulfill({ json: { token: await app.token(user, { exp, name: user }) } })
  })
  return state
}

/** Notes what a page has shown, were it for a moment. */
const NOTE_SHOWN = `
window.shown = []
new MutationObserver(() => shown.push(document.body?.innerText ?? '')).observe(document, { childList: true, subtree: true, characterData: true })`

/** Its timers ring late, all alike: what runs against them, such as a connection that is made again, may take longer. */
const SLOW_TIMERS = `
const { setTimeout: startTimer } = window
window.setTimeout = (work, ms = 0, ...rest) => startTimer(work, 5 * ms, ...rest)`

async function openPage(user: string, script = '') {
  const context = await chromium.browser.newContext({ viewport: { width: 360, height: 740 } })
  const signIn = await answerSignIn(context, user)
  await context.addInitScript(`${NOTE_SHOWN}\n${script}`)
  const page = await context.newPage()
  page.on('pageerror', (error) => problems.push(error.message))
  return { page, signIn }
}

async function opened(user: string, lifeSeconds = 3_600, script = '') {
  const { page, signIn } = await openPage(user, script)
  signIn.lifeSeconds = lifeSeconds
  await page.goto(way.url)
  await page.getByRole('heading', { name: 'Create an event' }).waitFor(SOON)
  return { page, signIn }
}

async function create(user: string, title: string) {
  const caller = await app.as(user)
  const data = { title, startsAt: new Date('2030-01-01'), capacity: 5 }
  const made = await caller.records.events.create({ data })
  if (!made.success) throw new Error(made.error)
}
const shows = (page: Page, title: string) => page.getByRole('link', { name: title }).waitFor(SOON)
const wasStale = async (page: Page) => STALE.test(String(await page.evaluate('shown.join("\\n")')))

describe('a page whose streams are cut', { timeout: PATIENCE }, () => {
  it('of a user who is demoted loses what they may not see any more, and stays open', async () => {
    const owner = await app.as('owner')
    await (await app.as('dora')).users.register()
    await owner.users.setRole({ userId: 'dora', role: 'admin' })
    await create('ben', 'Of Ben alone')
    const { page } = await opened('dora')
    await shows(page, 'Of Ben alone')
    await page.getByLabel('Title').fill('half a title')
    await owner.users.setRole({ userId: 'dora', role: 'member' })
    await page.getByRole('link', { name: 'Of Ben alone' }).waitFor({ ...SOON, state: 'detached' })
    await create('ben', 'CANARY')
    await create('dora', 'Of Dora')
    await shows(page, 'Of Dora')
    expect(await page.evaluate('shown.join("")')).not.toContain('CANARY')
    expect(await page.getByLabel('Title').inputValue()).toBe('half a title')
  })

  it('outlives its token, by a fresh one, and no one sees a gap', async () => {
    const { page, signIn } = await opened('ada', LIFE_SECONDS, SLOW_TIMERS)
    await create('ada', 'Before')
    await shows(page, 'Before')
    const before = signIn.given
    await expect.poll(() => signIn.given, SOON).toBeGreaterThan(before + 1)
    await create('ada', 'After')
    await shows(page, 'After')
    expect(await wasStale(page)).toBe(false)
  })

  it('asks to sign in when there is no fresh token, keeps what was typed, and goes on', async () => {
    const { page, signIn } = await opened('eve', LIFE_SECONDS)
    await page.getByLabel('Title').fill('not sent yet')
    signIn.isOver = true
    const dialog = page.getByRole('dialog', { name: 'Sign in again' })
    await dialog.waitFor(SOON)
    await create('eve', 'Meanwhile')
    signIn.lifeSeconds = 3_600
    await dialog.getByLabel('Email').fill('eve@example.com')
    await dialog.getByLabel('Password').fill('a long password')
    await dialog.getByRole('button', { name: 'Sign in' }).click()
    await dialog.waitFor({ ...SOON, state: 'detached' })
    await shows(page, 'Meanwhile')
    expect(await page.getByLabel('Title').inputValue()).toBe('not sent yet')
    await page.getByLabel('Starts at').fill('2030-01-01T18:00')
    await page.getByLabel('Places').fill('2')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await shows(page, 'not sent yet')
  })

  it('recovers when the server is started again, and shows what was written meanwhile', async () => {
    const { page } = await opened('fay')
    await create('fay', 'Before it')
    await shows(page, 'Before it')
    await page.getByLabel('Title').fill('typed')
    const { port } = new URL(server.url)
    await server.close(0)
    await create('fay', 'While it was away')
    await page.getByText(STALE).waitFor(SOON)
    const { http } = app.deploy((await loadApp({ isBuilt: false })).app.actions)
    server = await listen({ http, host: '127.0.0.1', port: Number(port) })
    await shows(page, 'While it was away')
    await page.getByText(STALE).waitFor({ ...SOON, state: 'detached' })
    expect(await page.getByLabel('Title').inputValue()).toBe('typed')
  })

  it('comes back after a sleep, in which nothing went through, and says meanwhile that it may be old', async () => {
    const { page, signIn } = await opened('gus', 60)
    await create('gus', 'Awake')
    await shows(page, 'Awake')
    way.cut()
    signIn.lifeSeconds = 3_600
    await create('gus', 'Asleep')
    await page.getByText(STALE).waitFor(SOON)
    // Its token may be stale by now, and a fresh one not to be had.
    await new Promise((resolve) => setTimeout(resolve, SLEEP_MS))
    expect(await page.getByRole('link', { name: 'Asleep' }).count()).toBe(0)
    expect(await page.getByRole('link', { name: 'Awake' }).count()).toBe(1)
    way.mend()
    await shows(page, 'Asleep')
    await page.getByText(STALE).waitFor({ ...SOON, state: 'detached' })
  })

  it('has thrown nothing', () => {
    expect(problems).toEqual([])
  })
})
