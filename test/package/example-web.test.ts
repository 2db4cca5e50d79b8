import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { openBrowser } from '../support/browser.ts'
import { guarded, temporaryDirectory } from '../support/guarded.ts'
import { ON_SOURCES } from '../support/on-sources.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PATIENCE = 240_000
const CHAT = '/v1/chat/completions'
/** What a person waits for without a thought; a machine under load may take longer. */
const SOON = { timeout: 60_000 }

let server: { readonly url: string; readonly child: ChildProcess }
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let chromium: Awaited<ReturnType<typeof openBrowser>>
let upstream: Upstream
const problems: string[] = []

/** `npm run dev`, once its front end is there. */
async function startDevelopment(env: Record<string, string>) {
  const child = guarded(
    spawn(process.execPath, [...ON_SOURCES, 'server/cli/main.ts', 'dev'], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', LOG_LEVEL: 'warn', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      output += part
    })
  for (;;) {
    const [, url] = /front end is at (\S+)/.exec(output) ?? []
    if (url !== undefined) return { url, child }
    if (child.exitCode !== null) throw new Error(`It ended:\n${output}`)
    await Promise.race([once(child.stderr, 'data'), once(child, 'exit')])
  }
}

async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    // What the server refuses, the browser writes there too.
    if (message.type() === 'error' && !/the server responded with a status/.test(message.text()))
      problems.push(message.text())
  })
  await page.goto(server.url)
  return page
}

/** Keeps in the page what `fetch` has brought, streams among it. */
const RECORD = `
window.received = []
const fetched = window.fetch
window.fetch = async (...args) => {
  const answer = await fetched(...args)
  if (!answer.body) return answer
  const decoder = new TextDecoder()
  const recorded = answer.body.pipeThrough(new TransformStream({
    transform(bytes, to) {
      received.push(decoder.decode(bytes, { stream: true }))
      to.enqueue(bytes)
    },
  }))
  return new Response(recorded, answer)
}`

/** A user with a browser of their own. */
async function signedIn(user: string): Promise<Page> {
  const context = await chromium.browser.newContext({ viewport: { width: 360, height: 740 } })
  await context.addInitScript(RECORD)
  const page = await openPage(context)
  await page.getByRole('textbox', { name: 'Another user' }).fill(user)
  await page.getByRole('textbox', { name: 'Another user' }).press('Enter')
  await page.getByRole('heading', { name: 'Create an event' }).waitFor(SOON)
  return page
}

async function create(page: Page, title: string, capacity = '2') {
  await page.getByLabel('Title').fill(title)
  await page.getByLabel('Starts at').fill('2030-01-01T18:00')
  await page.getByLabel('Places').fill(capacity)
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByRole('link', { name: title }).click(SOON)
  await page.getByRole('heading', { name: title, level: 1 }).waitFor(SOON)
}

const invite = async (page: Page, user: string) => {
  await page.getByLabel('User to invite').fill(user)
  await page.getByRole('button', { name: 'Invite' }).click()
}

beforeAll(async () => {
  directory = await temporaryDirectory('front-end')
  upstream = await startUpstream()
  upstream.onPath(CHAT, (_, response) =>
    json(response, 200, {
      choices: [{ message: { content: 'A launch for a few friends.' } }],
      usage: { prompt_tokens: 41, completion_tokens: 9 },
    }),
  )
  server = await startDevelopment({
    DATA_DIR: directory.path,
    OPENAI_BASE_URL: `${upstream.url}/v1`,
    OPENAI_API_KEY: 'openai-key',
    LIBRETRANSLATE_BASE_URL: upstream.url,
    ALLOW_PRIVATE_UPSTREAMS: new URL(upstream.url).host,
    OWNER_USER_ID: 'owner',
    OWNER_CREDITS: 'unmetered',
  })
  chromium = await openBrowser()
}, PATIENCE)
afterAll(async () => {
  await chromium[Symbol.asyncDispose]()
  server.child.kill('SIGTERM')
  await once(server.child, 'exit')
  await upstream[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
}, PATIENCE)

describe('the front end', { timeout: PATIENCE }, () => {
  it('creates an event, invites to it, and says what is full', async () => {
    const ada = await signedIn('ada')
    await create(ada, 'Launch')
    await invite(ada, 'bob')
    await ada.getByRole('listitem').filter({ hasText: 'bob' }).waitFor(SOON)
    await invite(ada, 'joe')
    await ada.getByText('2 of 2 places taken').waitFor(SOON)
    await invite(ada, 'zoe')
    await ada.getByText('The event is full: all 2 places are taken.').waitFor(SOON)
    // What was shown before the answer is taken back.
    await expect.poll(() => ada.getByRole('listitem').filter({ hasText: 'zoe' }).count(), SOON).toBe(0)
    expect(await ada.getByRole('listitem').filter({ hasText: 'joe' }).count()).toBe(1)
  })

  it('says beside each field what the server refuses of it', async () => {
    const ada = await signedIn('ada')
    await ada.getByRole('button', { name: 'Create', exact: true }).click()
    for (const name of ['Title', 'Starts at', 'Places'])
      await expect
        .poll(() => ada.getByLabel(name).getAttribute('aria-invalid'), { ...SOON, message: name })
        .toBe('true')
    const described = await ada.getByLabel('Title').getAttribute('aria-describedby')
    expect(await ada.locator(`[id="${described}"]`).textContent()).toContain('Too small')
  })

  it('shows the stranger nothing, until the event is public, and then by itself', async () => {
    const ada = await signedIn('ada')
    await create(ada, 'Secret')
    const address = new URL(ada.url()).pathname
    const eve = await signedIn('eve')
    expect(await eve.getByRole('link', { name: 'Secret' }).count()).toBe(0)
    await eve.goto(server.url + address.slice(1))
    await eve.getByRole('heading', { name: 'You cannot see this event' }).waitFor(SOON)
    // Whatever came to her browser, by any stream.
    expect(await eve.evaluate('received.join("")')).not.toContain('Secret')
    // What she may see is there by itself, and gone by itself.
    await ada.getByRole('button', { name: 'Make it public' }).click()
    await eve.getByRole('heading', { name: 'Secret' }).waitFor(SOON)
    expect(await eve.evaluate('received.join("")')).toContain('Secret')
    await ada.getByRole('button', { name: 'Make it private' }).click()
    await eve.getByRole('heading', { name: 'You cannot see this event' }).waitFor(SOON)
    await ada.getByRole('button', { name: 'Make it public' }).click()
    await eve.getByRole('heading', { name: 'Secret' }).waitFor(SOON)
    expect(await eve.getByRole('button', { name: 'Cancel the event' }).count()).toBe(0)
    await invite(eve, 'eve')
    await expect
      .poll(() => eve.getByRole('alert').allTextContents(), SOON)
      .toContainEqual(expect.stringMatching(/not/))
  })

  it('shows two users at once what the other one does', async () => {
    const [ada, bob] = [await signedIn('ada'), await signedIn('bob')]
    await create(ada, 'Together')
    await ada.getByRole('button', { name: 'Make it public' }).click()
    await bob.getByRole('link', { name: 'Together' }).click(SOON)
    await bob.getByText('0 of 2 places taken').waitFor(SOON)
    await invite(ada, 'joe')
    await bob.getByText('1 of 2 places taken').waitFor(SOON)
    ada.once('dialog', (dialog) => dialog.accept())
    await ada.getByRole('button', { name: 'Cancel the event' }).click()
    await bob.getByRole('heading', { name: 'You cannot see this event' }).waitFor(SOON)
  })

  it('is done once by a double click', async () => {
    const ada = await signedIn('ada')
    await ada.getByLabel('Title').fill('Twice')
    await ada.getByLabel('Starts at').fill('2030-01-01T18:00')
    await ada.getByLabel('Places').fill('2')
    await ada.getByRole('button', { name: 'Create', exact: true }).dblclick()
    await ada.getByRole('link', { name: 'Twice' }).first().waitFor(SOON)
    await expect.poll(() => ada.getByLabel('Title').inputValue(), SOON).toBe('')
    expect(await ada.getByRole('link', { name: 'Twice' }).count()).toBe(1)
  })

  it('asks the price before anything is spent', async () => {
    const ada = await signedIn('ada')
    await create(ada, 'Priced')
    const asked = () => upstream.received.filter(({ path }) => path === CHAT).length
    const before = asked()
    await ada.getByRole('button', { name: 'Summarize it' }).click()
    await ada.getByText('It costs you nothing.').waitFor(SOON)
    expect(asked()).toBe(before)
    await ada.getByRole('button', { name: 'Leave it' }).click()
    await ada.getByRole('button', { name: 'Summarize it' }).click()
    await ada.getByRole('group').getByRole('button', { name: 'Summarize it' }).click(SOON)
    await expect.poll(asked, SOON).toBe(before + 1)
    await ada.locator('.summary').waitFor(SOON)
    await ada.getByRole('button', { name: 'Translate the title' }).click()
    await ada.getByText('It costs you at most 2 credits.').waitFor(SOON)
  })

  it('works by the keyboard alone', async () => {
    const ada = await signedIn('ada')
    await ada.getByLabel('Title').focus()
    await ada.keyboard.type('Typed')
    await ada.keyboard.press('Tab')
    await ada.keyboard.type('01012030')
    await ada.keyboard.press('Tab')
    await ada.keyboard.type('0600PM')
    await ada.getByLabel('Places').focus()
    await ada.keyboard.type('3')
    await ada.keyboard.press('Enter')
    const link = ada.getByRole('link', { name: 'Typed' })
    await link.waitFor(SOON)
    await link.focus()
    await ada.keyboard.press('Enter')
    await ada.getByRole('heading', { name: 'Typed' }).waitFor(SOON)
    await ada.goBack()
    await link.waitFor(SOON)
  })

  it('tells when there is no connection, and goes on when it is back', async () => {
    const ada = await signedIn('ada')
    await create(ada, 'Offline')
    await ada.context().setOffline(true)
    await invite(ada, 'bob')
    await ada.context().setOffline(false)
    await ada.getByText('1 of 2 places taken').waitFor(SOON)
  })

  it('gives axe nothing to find, light and dark, and needs no more than 360 pixels', async () => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    const ada = await signedIn('ada')
    const look = async (page: Page) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        await page.evaluate(axe)
        const found = await page.evaluate(
          'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]))',
        )
        expect(found).toEqual([])
      }
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    }
    await look(ada)
    await ada.getByRole('button', { name: 'Create', exact: true }).click()
    await ada.locator('.field-error').first().waitFor(SOON)
    await look(ada)
    await create(ada, 'A title without any place to break it'.replaceAll(' ', ''))
    await look(ada)
    await ada.getByRole('button', { name: 'Sign out' }).click()
    await ada.getByText('who are you').waitFor(SOON)
    await look(ada)
  })

  it('stays small enough to read, and writes nothing into the console', async () => {
    expect(problems).toEqual([])
    const files = execFileSync('git', ['ls-files', 'client/web'], { cwd: ROOT, encoding: 'utf8' }).split('\n')
    const code = files.filter((file) => /\.(?:tsx?|html)$/.test(file))
    const texts = await Promise.all(code.map((file) => readFile(resolve(ROOT, file), 'utf8')))
    expect(texts.join('').split('\n').length).toBeLessThan(1_500)
  })
})
