// `npm run pack -- [DIRECTORY]` makes the packages that are published, as tarballs: `deputyjs`, with the command and the
// templates of new apps; `deputyjs-client`, for front ends; `create-deputyjs`, for `npm create`. @default dist/packages/
import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { isApp } from './app-paths.ts'
import { buildConsole } from './build-console.ts'
import { compile, ROOT } from './compile.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly engines: Readonly<Record<string, string>>
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** What is of this repository alone: its demo, and the test that knows an input of every action of the example. */
const STAYS_HERE = ['test/demo/', 'test/actions/dry-runs.test.ts']

/** What of the template's files lies elsewhere in this repository, and its name in a package: npm takes dot files out. */
const COMMON_FILES: ReadonlyMap<string, string> = new Map([
  ['Dockerfile', 'Dockerfile'],
  ['.dockerignore', 'dockerignore'],
  ['.env.example', 'env.example'],
  ['compose.yaml', 'compose.yaml'],
  ['drizzle.config.ts', 'drizzle.config.ts'],
])

/** Begins a line of a variable that only the example reads. */
const EXAMPLE_VARIABLE =
  /^ *#?(?:(?:OPENAI|RESEND|WEATHER|LIBRETRANSLATE)_|PLATFORM_URL\b|MAIL_FROM\b|PAYMENTS_)/m

/** What a new app installs beside the peers of the package. */
const APP_DEVELOPMENT = ['@types/node', 'drizzle-kit', 'pino-pretty', 'tsx', 'typescript', 'vitest']
/** What its front end is built with and of: the server needs none of it. */
const FRONT_END = [
  ...['@tanstack/react-query', '@types/react', '@types/react-dom', '@vitejs/plugin-react'],
  ...['react', 'react-dom', 'vite'],
]
/** The embedded database: the very version whose empty data the package carries, or the first start takes seconds. */
const EMBEDDED = '@electric-sql/pglite'

/** What the client needs, beside its own files. */
const CLIENT_PEERS = ['@trpc/client', '@trpc/server', 'superjson']
/** What its hooks need. */
const REACT_PEERS = ['@tanstack/react-query', 'react']
/** Its entries, and the files that they are. */
const CLIENT_ENTRIES: Readonly<Record<string, string>> = {
  '.': 'client/core/index',
  './trpc': 'client/core/trpc',
  './react': 'client/react/index',
}

const APP_SCRIPTS = {
  start: 'deputy start',
  dev: 'deputy dev',
  build: 'deputy build',
  check: 'tsc --noEmit',
  test: 'vitest run',
  token: 'deputy token',
  generate: 'deputy generate',
}

const root: Manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
const out = resolve(process.argv[2] ?? join(ROOT, 'dist/packages'))
const stage = await mkdtemp(join(tmpdir(), 'deputy-pack-'))
try {
  const compiled = join(stage, 'compiled')
  await compile(compiled)
  await buildConsole(ROOT, join(compiled, 'console'))
  const packages = [
    await stageServer(compiled, join(stage, root.name)),
    await stageClient(compiled, join(stage, `${root.name}-client`)),
    await stageCreate(compiled, join(stage, `create-${root.name}`)),
  ]
  await mkdir(out, { recursive: true })
  for (const folder of packages) console.log(join(out, pack(folder, out)))
} finally {
  await rm(stage, { recursive: true, force: true })
}

/** The engine, without the example, which it has as a template. */
async function stageServer(compiled: string, folder: string): Promise<string> {
  await cp(compiled, join(folder, 'dist'), {
    recursive: true,
    // Maps of sources that are not there help nobody.
    filter: (file) => !file.endsWith('.map') && !isApp(sourceOf(relative(compiled, file))),
  })
  await dropMapComments(join(folder, 'dist'))
  for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE', 'docs'])
    await cp(join(ROOT, file), join(folder, file), { recursive: true })
  await stageTemplates(join(folder, 'templates'))
  const { name, version, description, license, engines, bin } = root
  await writeManifest(folder, {
    ...{ name, version, description, license, type: 'module', engines, bin },
    exports: { ...withoutSources(root.exports), './package.json': './package.json' },
    // What the app of this repository depends on itself, its apps have of their own.
    dependencies: without(root.dependencies, Object.keys(root.peerDependencies)),
    peerDependencies: root.peerDependencies,
    peerDependenciesMeta: root.peerDependenciesMeta,
  })
  return folder
}

/** The client with what its types need, for front ends that have no server in their repository. */
async function stageClient(compiled: string, folder: string): Promise<string> {
  const entries = Object.values(CLIENT_ENTRIES)
  const files = await reachedFrom(
    compiled,
    entries.flatMap((entry) => [`${entry}.js`, `${entry}.d.ts`]),
  )
  for (const file of files) await cp(join(compiled, file), join(folder, 'dist', file))
  await dropMapComments(join(folder, 'dist'))
  await cp(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  await writeFile(
    join(folder, 'README.md'),
    `# ${root.name}-client\n\nThe typed client of ${root.name}, a server for server actions: what \`${root.name}/client\` is, without the server.\n`,
  )
  const { name, version, license, engines, peerDependencies } = root
  const exports = Object.entries(CLIENT_ENTRIES).map(([entry, file]) => [
    entry,
    { types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` },
  ])
  const peers = [...CLIENT_PEERS, ...REACT_PEERS].sort()
  await writeManifest(folder, {
    ...{ name: `${name}-client`, version, description: `The client of ${name}.`, license, type: 'module' },
    engines,
    sideEffects: false,
    exports: { ...Object.fromEntries(exports), './package.json': './package.json' },
    peerDependencies: Object.fromEntries(peers.map((peer) => [peer, peerDependencies[peer]])),
    peerDependenciesMeta: Object.fromEntries(REACT_PEERS.map((peer) => [peer, { optional: true }])),
  })
  return folder
}

/** The files that these import, and so on, each named from the folder. */
async function reachedFrom(folder: string, entries: readonly string[]): Promise<readonly string[]> {
  const reached = new Set(entries)
  for (const file of reached) {
    const text = await readFile(join(folder, file), 'utf8')
    for (const [, path = ''] of text.matchAll(/(?:from |import\()['"](\.{1,2}\/[^'"]+)['"]/g)) {
      const found = join(dirname(file), path)
      reached.add(file.endsWith('.d.ts') ? found.replace(/\.js$/, '.d.ts') : found)
    }
  }
  return [...reached]
}

/** What `npm create deputyjs` runs: the same as `deputy create`, without the server. */
async function stageCreate(compiled: string, folder: string): Promise<string> {
  for (const file of await reachedFrom(compiled, ['server/cli/create-main.js']))
    await cp(join(compiled, file), join(folder, 'dist', file))
  await dropMapComments(join(folder, 'dist'))
  await cp(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  await stageTemplates(join(folder, 'templates'))
  const { name, version, license, engines, dependencies } = root
  await writeFile(
    join(folder, 'README.md'),
    `# create-${name}\n\n\`npm create ${name} my-app\` makes an app on ${name}: a server for server actions.\n`,
  )
  await writeManifest(folder, {
    ...{ name: `create-${name}`, version, description: `Makes an app on ${name}.`, license, type: 'module' },
    engines,
    bin: { [`create-${name}`]: 'dist/server/cli/create-main.js' },
    dependencies: { commander: dependencies.commander },
  })
  return folder
}

async function stageTemplates(folder: string): Promise<void> {
  const common = join(folder, 'common')
  const own = join(ROOT, 'server/cli/template')
  await cp(join(own, 'common'), common, { recursive: true })
  await cp(join(own, 'empty'), join(folder, 'empty'), { recursive: true })
  await cpWithoutExample('.env.example', join(folder, 'empty/env.example'), '\n\n')
  await cpWithoutExample('compose.yaml', join(folder, 'empty/compose.yaml'), '\n')
  for (const [file, name] of COMMON_FILES) await cp(join(ROOT, file), join(common, name))
  for (const [template, hasFrontEnd] of [
    ['example', true],
    ['empty', false],
  ] as const) {
    await mkdir(join(folder, template), { recursive: true })
    const manifest = `${JSON.stringify(appManifest(hasFrontEnd), undefined, 2)}\n`
    await writeFile(join(folder, template, 'app-package.json'), manifest)
  }
  for (const file of await exampleFiles()) {
    await mkdir(dirname(join(folder, 'example', file)), { recursive: true })
    await cp(join(ROOT, file), join(folder, 'example', file))
  }
}

/** Copies a file but for the parts, between separators, that name a variable of the example's. */
async function cpWithoutExample(file: string, target: string, separator: string): Promise<void> {
  const parts = (await readFile(join(ROOT, file), 'utf8')).split(separator)
  const kept = parts.filter((part) => !EXAMPLE_VARIABLE.test(part)).join(separator)
  await writeFile(target, `${kept.trimEnd()}\n`)
}

/** The app of this repository, as others begin with it. */
async function exampleFiles(): Promise<readonly string[]> {
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  }).stdout.split('\n')
  const files = listed.filter((file) => isApp(file) && !STAYS_HERE.some((stays) => file.startsWith(stays)))
  if (!files.includes('server/app.ts')) throw new Error('Run this in a clone: the example is what git lists')
  return files
}

/** @param hasFrontEnd as the example has one */
function appManifest(hasFrontEnd: boolean) {
  const versions = { ...root.devDependencies, ...root.dependencies }
  const pick = (names: readonly string[]) =>
    Object.fromEntries([...names].sort().map((name) => [name, `^${versions[name]}`]))
  const peers = Object.keys(root.peerDependencies).filter(
    (name) => !root.peerDependenciesMeta[name]?.optional,
  )
  return {
    ...{ name: 'app', version: '0.0.0', private: true, type: 'module', engines: root.engines },
    scripts: APP_SCRIPTS,
    dependencies: {
      [root.name]: `^${root.version}`,
      ...pick(peers),
      [EMBEDDED]: root.dependencies[EMBEDDED],
    },
    devDependencies: pick(hasFrontEnd ? [...APP_DEVELOPMENT, ...FRONT_END] : APP_DEVELOPMENT),
  }
}

function without(versions: Manifest['dependencies'], names: readonly string[]): Manifest['dependencies'] {
  return Object.fromEntries(Object.entries(versions).filter(([name]) => !names.includes(name)))
}

/** The condition by which this repository finds its own sources is of no use elsewhere. */
function withoutSources(exports: Manifest['exports']): Manifest['exports'] {
  return Object.fromEntries(
    Object.entries(exports).map(([entry, { 'deputy-source': _source, ...conditions }]) => [
      entry,
      conditions,
    ]),
  )
}

/** `server/app.d.ts` comes from `server/app.ts`. */
function sourceOf(file: string): string {
  return file.replaceAll('\\', '/').replace(/(?:\.d\.ts|\.js)$/, '.ts')
}

async function dropMapComments(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.js')) continue
    const file = join(folder, name)
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'))
  }
}

async function writeManifest(folder: string, manifest: object): Promise<void> {
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

function pack(folder: string, destination: string): string {
  const packed = spawnSync('npm', ['pack', folder, '--json', '--pack-destination', destination], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (packed.status !== 0) throw new Error(`npm pack ${folder} failed`)
  const [made] = JSON.parse(packed.stdout)
  return made.filename
}
