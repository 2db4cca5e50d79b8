import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { CommandError } from './command-error.ts'
import { hasFrontEnd, serveFrontEnd } from './front-end.ts'
import { hasChanged, snapshotOf, watchFiles } from './watch-files.ts'

/** What a change of restarts the server. */
const WATCHED = { folders: ['server', 'drizzle'], files: ['integrations.ts', '.env', 'package.json'] }
const COLLECTIONS = { folders: ['drizzle'], files: [] }

const DESCRIPTION = `Runs the server, and starts it again when a file in server/ or drizzle/, integrations.ts or .env has changed. It
says when drizzle/collections.ts declares what no migration makes; with --migrate it writes and applies that. Where
there is client/web/vite.config.ts, Vite serves that front end, whose calls go to the server.`

/** Adds `deputy dev`. */
export function addDev(program: Command): void {
  program
    .command('dev')
    .summary('run the server, and start it again on changes')
    .description(DESCRIPTION)
    .option('--migrate', 'write the migrations that are missing; the server applies them when it starts')
    .action(({ migrate }: { readonly migrate?: true }) => develop(migrate === true))
}

async function develop(isMigrating: boolean): Promise<void> {
  if (!existsSync('server/app.ts')) throw new CommandError(`There is no server/app.ts in ${process.cwd()}.`)
  let isStopping = false
  let server: ChildProcess | undefined
  let collections: ReadonlyMap<string, string> = new Map()
  let wake = () => {}
  const frontEnd = createFrontEnd()
  const watching = watchFiles(WATCHED, () => wake())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      isStopping = true
      server?.kill('SIGTERM')
      wake()
    })
  }
  while (!isStopping) {
    const now = await snapshotOf(COLLECTIONS)
    const isReady = !hasChanged(collections, now) || (await checkMigrations(isMigrating))
    collections = isReady ? await snapshotOf(COLLECTIONS) : new Map()
    if (isStopping) break
    // What changes from here on starts it again; a migration that was written just now does not.
    let isChanged = false
    const change = new Promise<void>((resolve) => {
      wake = resolve
    })
    watching.settle(await snapshotOf(WATCHED))
    // What keeps a migration from being written keeps the server from starting, and would be told a second time.
    const started = isReady ? runCommand(['start'], 'ipc') : undefined
    server = started
    started?.on('message', (message) => frontEnd.callAt((message as { readonly url: string }).url))
    if (!started) say('The server is started when a file changes.')
    const ended = started && once(started, 'exit')
    void ended?.then(() => {
      if (!isStopping && !isChanged) say('The server has ended; it is started again when a file changes.')
    })
    await change
    isChanged = true
    if (!isStopping) say('A file has changed; starting again.')
    if (started?.exitCode === null && started.signalCode === null) started.kill('SIGTERM')
    await ended
  }
  watching.close()
  await frontEnd.close()
}

/** The front end in development, where the app has one: it is served from when the server listens. */
function createFrontEnd() {
  const isThere = hasFrontEnd(process.cwd())
  let serverUrl: string | undefined
  let serving: Promise<{ readonly close: () => Promise<void> } | undefined> = Promise.resolve(undefined)

  async function serve(url: string) {
    try {
      const served = await serveFrontEnd(process.cwd(), url)
      say(`The front end is at ${served.url}`)
      return served
    } catch (error) {
      say(`The front end is not served: ${error instanceof Error ? error.message : error}`)
      return undefined
    }
  }

  return {
    /** Sends what it calls to a server. */
    callAt(url: string) {
      if (!isThere || url === serverUrl) return
      serverUrl = url
      serving = serving.then(async (served) => {
        await served?.close()
        return serve(url)
      })
    },
    close: async () => (await serving)?.close(),
  }
}

/**
 * Looks for what the migrations lack, in a process of its own, which reads the collections as they are now. Whether the
 * server may be started: where it is only looked for, in any case.
 */
async function checkMigrations(isMigrating: boolean): Promise<boolean> {
  const child = runCommand(isMigrating ? ['generate'] : ['generate', '--check', '--quiet'])
  const [code] = await once(child, 'exit')
  return code === 0 || !isMigrating
}

function runCommand(args: readonly string[], channel: 'ipc' | 'ignore' = 'ignore'): ChildProcess {
  const program = fileURLToPath(
    import.meta.resolve(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js'),
  )
  return spawn(process.execPath, [...process.execArgv, program, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', channel],
  })
}

function say(line: string): void {
  process.stderr.write(`deputy dev: ${line}\n`)
}
