import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Browser, chromium } from 'playwright-core'
import { guarded, temporaryDirectory } from './guarded.ts'

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
/** Nothing but this machine is found, and the browser asks for nothing by itself. */
const CLOSED = [
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
  '--no-proxy-server',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

/** A Chromium without a network, which is gone when disposed. */
export async function openBrowser(): Promise<AsyncDisposable & { readonly browser: Browser }> {
  const program = await findProgram()
  const profile = await temporaryDirectory('browser')
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', ...CLOSED]
  const child = guarded(
    spawn(
      program,
      [...flags, '--remote-debugging-port=0', `--user-data-dir=${profile.path}`, 'about:blank'],
      {
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    ),
  )
  const browser = await chromium.connectOverCDP(await debuggerAddress(child.stderr))
  return {
    browser,
    async [Symbol.asyncDispose]() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      await (await browser.newBrowserCDPSession()).send('Browser.close').catch(() => child.kill('SIGKILL'))
      await gone
      await profile[Symbol.asyncDispose]()
    },
  }
}

/** The browser writes where it can be spoken to; what it says after that is read and dropped. */
async function debuggerAddress(output: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: output })
  const said: string[] = []
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const address = /^DevTools listening on (ws:\S+)/.exec(line)?.[1]
      if (address) resolve(address)
      else if (said.length < 20) said.push(line)
    })
    lines.on('close', () => reject(new Error(`The browser did not start: ${said.join('\n')}`)))
  })
}

/** @throws {Error} that says what to install. */
async function findProgram(): Promise<string> {
  const given = process.env.CHROMIUM
  const folders = (process.env.PATH ?? '').split(delimiter)
  const candidates = given ? [given] : folders.flatMap((folder) => PROGRAMS.map((name) => join(folder, name)))
  for (const candidate of candidates) {
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return candidate
  }
  throw new Error('No Chromium was found: install it (apt-get install chromium), or set CHROMIUM to its path')
}
