import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isProduction } from '../env/environment.ts'
import type { AppModule } from '../lifecycle/run.ts'
import { CommandError } from './command-error.ts'

/** The file that exports the app, from the app's folder. */
export const APP_FILE = 'server/app.ts'
const BUILT = 'dist/server/app.js'

export interface LoadOptions {
  /** Whether to load what `deputy build` has made. @default where NODE_ENV is production, or there is no source */
  readonly isBuilt?: boolean | undefined
}

/**
 * Loads the app of the current folder: its sources, or what was built of them.
 *
 * @throws {CommandError} where there is none, or it exports no app.
 */
export async function loadApp({ isBuilt = isProduction() }: LoadOptions = {}): Promise<AppModule> {
  if (!isBuilt && existsSync(APP_FILE)) {
    await loadPackage()
    return checked(APP_FILE, await importSource(APP_FILE))
  }
  if (existsSync(BUILT)) return checked(BUILT, await importFile(BUILT))
  if (existsSync(APP_FILE))
    throw new CommandError(`There is no ${BUILT} to run as built. Run deputy build first.`)
  throw new CommandError(`There is no app in ${process.cwd()}: neither ${APP_FILE} nor ${BUILT}.`)
}

/** Imports a TypeScript file of the app, given from the current folder. */
export async function importSource(path: string): Promise<object> {
  await readTypeScript()
  return importFile(path)
}

let isReading = import.meta.url.endsWith('.ts')

/** Where this file itself is TypeScript, Node reads it already. */
async function readTypeScript(): Promise<void> {
  if (isReading) return
  isReading = true
  const { register } = await import('tsx/esm/api').catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new CommandError(
      `tsx is not installed, which reads ${APP_FILE}: npm install tsx. Or run deputy build, and run what it makes with --built.`,
    )
  })
  await import('../../drizzle/engine/index.ts')
  register()
}

/** What an app imports of the package, with all that this needs: once tsx reads modules, each takes twice as long. */
async function loadPackage(): Promise<void> {
  await Promise.all([import('../lifecycle/index.ts'), import('../integrations/index.ts')])
}

/** The one place that imports what is found at run time: the app's own files. */
function importFile(path: string): Promise<object> {
  return import(pathToFileURL(resolve(path)).href)
}

function checked(path: string, module: object): AppModule {
  const app: unknown = Reflect.get(module, 'app')
  if (typeof app === 'object' && app !== null && 'actions' in app && 'migrations' in app)
    return module as AppModule // `defineApp` made it, which has checked its parts.
  throw new CommandError(`${path} exports no app: write export const app = defineApp({ … }).`)
}
