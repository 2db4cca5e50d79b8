// Programs that tests start, each in few files of JavaScript: a process that reads the sources themselves takes three to
// four times as long to start, and there are hundreds.
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { inject } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { onceIn } from './once-in.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** Those that are whole by themselves. */
const ALONE = {
  fixture: 'test/fixture/main.ts',
  bank: 'test/faults/server.ts',
  market: 'test/faults/market-server.ts',
  writer: 'test/embedded/writer.ts',
} as const

/** The command, which has the package in common with the app that it loads. */
const COMMAND = { main: 'server/cli/main.ts', held: 'test/support/hold-command.ts' } as const

/** What is no part of a program: it has files beside its code, or is asked for where it is installed. */
const ASIDE = [
  '@electric-sql/pglite',
  '@opentelemetry/*',
  'drizzle-kit',
  'pino-pretty',
  'swagger-ui-dist',
  'tsx',
  'typescript',
  'vite',
  'vitest',
]
/** What an app has in common with the package. */
const PEERS = ['drizzle-orm', 'hono', 'zod']
/** They ask what they themselves run as. */
const TELL_THEMSELVES = ['server/cli/dev.ts', 'server/cli/load-app.ts']

/**
 * The code of the embedded database (WebAssembly) is compiled once and not optimised, which would take longer than all
 * that a process does with it that ends soon.
 */
const FLAGS = ['--liftoff-only']

/** Node's flags and the file of a program that a test starts. */
export async function programOf(name: keyof typeof ALONE): Promise<readonly string[]> {
  const folder = await onceIn(inject('shared'), 'programs', (made) => bundle(made, ALONE, ASIDE))
  return [...FLAGS, join(folder, `${name}.js`)]
}

export interface DeputyCommand {
  /** Node's flags and the file. */
  readonly program: readonly string[]
  /** A module that holds its requests to the server's OpenAPI document, for `--import`. */
  readonly held: string
  /** What `node_modules/deputyjs` of an app is, whose engine is the command's own. */
  readonly packageFolder: string
}

/** The command `deputy`, and its package. */
export async function deputyCommand(): Promise<DeputyCommand> {
  const packageFolder = await onceIn(inject('shared'), 'deputy', makePackage)
  return {
    program: [...FLAGS, join(packageFolder, 'main.js')],
    held: join(packageFolder, 'held.js'),
    packageFolder,
  }
}

async function makePackage(folder: string): Promise<void> {
  const entries = Object.entries(packageJson.exports).map(([entry, of]) => ({
    entry,
    name: `entry-${entry.replaceAll(/\W+/g, '-')}`,
    of,
  }))
  const sources = entries.map(({ name, of }) => [name, of['deputy-source'].slice(2)])
  await bundle(folder, { ...COMMAND, ...Object.fromEntries(sources) }, [...ASIDE, ...PEERS, 'react'])
  // For compilers: the sources and their declarations, where they lie.
  await symlink(ROOT, join(folder, 'repository'))
  const beside = (path: string) => path.replace('./', './repository/')
  const exports = entries.map(({ entry, name, of }) => [
    entry,
    { 'deputy-source': beside(of['deputy-source']), types: beside(of.types), default: `./${name}.js` },
  ])
  const manifest = { ...packageJson, exports: Object.fromEntries(exports) }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
}

async function bundle(
  folder: string,
  entryPoints: Readonly<Record<string, string>>,
  external: readonly string[],
): Promise<void> {
  await build({
    entryPoints: { ...entryPoints },
    external: [...external],
    outdir: folder,
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['deputy-source'],
    logLevel: 'error',
    plugins: [inPlace],
    // Packages of the older kind ask for others by it.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`,
    },
  })
}

/** Has each module find what lies beside its source. */
const inPlace: Plugin = {
  name: 'in-place',
  setup({ onLoad }) {
    onLoad({ filter: /\.tsx?$/ }, async ({ path }) => {
      const name = relative(ROOT, path).split(sep).join('/')
      if (path.includes(`${sep}node_modules${sep}`) || TELL_THEMSELVES.includes(name)) return undefined
      const contents = (await readFile(path, 'utf8'))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
      return { contents, loader: path.endsWith('x') ? 'tsx' : 'ts' }
    })
  },
}
