import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CommandError } from './command-error.ts'

const FOLDER = 'client/web'
const CONFIG = join(FOLDER, 'vite.config.ts')

/** What of Vite is used, which is the app's own. */
interface Vite {
  readonly defaultClientConditions: readonly string[]
  build(config: object): Promise<unknown>
  createServer(config: object): Promise<{
    readonly resolvedUrls: { readonly local: readonly string[] } | null
    listen(): Promise<unknown>
    close(): Promise<void>
  }>
}

/** Whether an app has a front end that Vite builds. @param app its folder, absolute */
export function hasFrontEnd(app: string): boolean {
  return existsSync(join(app, CONFIG))
}

/** Builds the front end of an app. @param out the folder, absolute @throws {Error} when it does not build */
export async function buildFrontEnd(app: string, out: string): Promise<void> {
  const vite = await loadVite(app)
  await vite.build({ ...configuration(vite, app), build: { outDir: out, emptyOutDir: true } })
}

/**
 * Serves the front end of an app as it is developed.
 *
 * @param serverUrl what it calls
 * @returns where it is, and what ends it
 */
export async function serveFrontEnd(app: string, serverUrl: string) {
  const vite = await loadVite(app)
  const toServer = {
    name: 'deputy-server',
    /** What the app's configuration sends to a server goes to this one. */
    config: ({ server }: { readonly server?: { readonly proxy?: Readonly<Record<string, unknown>> } }) => ({
      server: {
        proxy: Object.fromEntries(Object.keys(server?.proxy ?? {}).map((path) => [path, serverUrl])),
      },
    }),
  }
  const server = await vite.createServer({ ...configuration(vite, app), plugins: [toServer] })
  await server.listen()
  return { url: server.resolvedUrls?.local[0] ?? '', close: () => server.close() }
}

function configuration({ defaultClientConditions }: Vite, app: string): object {
  // What this process resolves packages by, the front end does.
  const conditions = process.execArgv.flatMap((flag) => /^--conditions=(.+)$/.exec(flag)?.[1] ?? [])
  return {
    configFile: join(app, CONFIG),
    logLevel: 'warn',
    ...(conditions.length > 0
      ? { resolve: { conditions: [...conditions, ...defaultClientConditions] } }
      : {}),
  }
}

async function loadVite(app: string): Promise<Vite> {
  let path: string
  try {
    path = createRequire(resolve(app, 'package.json')).resolve('vite')
  } catch {
    throw new CommandError(
      `vite is not installed, which ${CONFIG} is for: npm install --save-dev vite @vitejs/plugin-react`,
    )
  }
  return import(pathToFileURL(path).href)
}
