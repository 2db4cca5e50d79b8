import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { openBrowser } from './browser.ts'
import { builtConsole } from './console-build.ts'
import { PATIENCE_MS } from './patience.ts'
import type { createTestApp, TestApp } from './test-app.ts'

/** How long a page may take on a machine that does other things as well. */
export const SOON = { timeout: PATIENCE_MS }

export type ConsoleOptions = NonNullable<NonNullable<Parameters<typeof createTestApp>[0]>['console']>

export interface OpenConsole<TApp = TestApp> extends AsyncDisposable {
  readonly app: TApp
  /** Of the console. */
  readonly url: string
  /** What went wrong in the pages since it was asked last: errors, what their policy refused, requests elsewhere. */
  problems(): readonly string[]
  open(address?: string, options?: BrowserContextOptions): Promise<Page>
  /** Closes what was opened: a page that no one looks at goes on asking the server, and drawing. */
  closePages(): Promise<void>
  /** Opens a page as the owner, by the one click of development. */
  signedIn(address?: string, options?: BrowserContextOptions): Promise<Page>
  /** What axe finds, by its rules. */
  lookAt(page: Page): Promise<readonly string[]>
}

/** Starts an app with the console of these sources, and a Chromium that looks at it from Berlin. */
export async function openConsole<TApp extends Pick<TestApp, 'listen' | 'token'> & AsyncDisposable>(
  start: (console: ConsoleOptions) => Promise<TApp>,
): Promise<OpenConsole<TApp>> {
  const built = await builtConsole()
  const mint = async () => ({ token: await app.token('owner'), userId: 'owner' })
  const app: TApp = await start({ folder: built.folder, mint })
  const url = `${await app.listen()}/console`
  const chromium = await openBrowser()
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  const found: string[] = []
  const contexts = new Set<BrowserContext>()

  const open = async (address = '', context: BrowserContextOptions = {}) => {
    const opened = await chromium.browser.newContext({ timezoneId: 'Europe/Berlin', ...context })
    contexts.add(opened)
    opened.on('close', () => contexts.delete(opened))
    const page = await opened.newPage()
    page.setDefaultTimeout(SOON.timeout)
    page.on('pageerror', (error) => found.push(error.message))
    page.on('console', (message) => {
      // What the server refuses, the browser writes there too; what the policy refuses is written there alone.
      const isRefusal = /the server responded with a status|net::ERR_FAILED/.test(message.text())
      if (message.type() === 'error' && !isRefusal) found.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:'))
        found.push(`It asked for ${request.url()}`)
    })
    await page.goto(`${url}${address}`)
    return page
  }
  return {
    app,
    url,
    problems: () => found.splice(0),
    open,
    async closePages() {
      await Promise.all([...contexts].map((context) => context.close()))
    },
    async signedIn(address, context) {
      const page = await open(address, context)
      await page.getByRole('button', { name: 'Sign in as the owner' }).click()
      await page.getByRole('navigation', { name: 'Pages' }).waitFor()
      return page
    },
    async lookAt(page) {
      await page.evaluate(axe)
      const { violations } = (await page.evaluate('axe.run()')) as { violations: { id: string }[] }
      return violations.map(({ id }) => id)
    },
    async [Symbol.asyncDispose]() {
      await chromium[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
      await built[Symbol.asyncDispose]()
    },
  }
}
