import { describe, expect, it } from 'vitest'
import { APP_PATHS, isApp } from '../../server/cli/repository/app-paths.ts'
import {
  circular,
  filesIn,
  foldersIn,
  type Import,
  importsOf,
  isCode,
  isThere,
  modulesNamedIn,
  source,
  WORKED_OUT,
} from './module-graph.ts'

/** The folders of the engine, from the ground up. A file imports from its own folder and from tiers below. */
const TIERS = [
  ['server/core'],
  ['server/wire', 'server/db', 'server/auth', 'drizzle/engine'],
  ['server/integrations', 'server/tools'],
  ['server/records', 'server/ledger', 'server/limits', 'server/audit', 'server/queue', 'server/rollup'],
  ['server/invocation'],
  ['server/live'],
  ['server/trpc', 'server/builders'],
  [
    'server/routers',
    'server/mcp',
    'server/openapi',
    'server/http',
    'server/metrics',
    'server/tracing',
    'client/core',
  ],
  ['server/lifecycle', 'server/env', 'client/react', 'client/console'],
  ['server/cli', 'server/testing'],
]

/** What a folder may import of its own tier. */
const WITHIN_TIERS = [
  'client/console → client/react',
  'server/builders → server/trpc',
  'server/db → drizzle/engine',
  'server/http → server/mcp',
  'server/http → server/openapi',
  'server/http → server/routers',
  'server/lifecycle → server/env',
  'server/mcp → server/routers',
  'server/openapi → server/metrics',
  'server/queue → server/ledger',
  'server/rollup → server/audit',
  'server/routers → server/metrics',
  'server/tools → server/integrations',
]

/** What the app's files may import, beside each other. */
const APP_IMPORTS =
  /^(?:deputyjs(?:\/(?:collections|integrations|testing))?|(?:zod|drizzle-orm|hono)(?:\/.*)?|node:crypto)$/
/** The same of its tests. */
const APP_TEST_IMPORTS = /^(?:node:.*|vitest|deputyjs\/client)$/

/** Folders of the engine's tests that are named after no folder of it. */
const SUITES = [
  'architecture',
  'bench',
  'embedded',
  'faults',
  'fixture',
  'guard',
  'package',
  'postgres',
  'soak',
  'support',
  'types',
]

/** Fewer files than this were read: the check has gone blind. */
const MIN_FILES = 300

const files = ['server', 'client', 'drizzle', 'integrations.ts', 'test/actions', 'test/demo'].flatMap(
  (place) => (place.endsWith('.ts') ? [place] : filesIn(place)),
)
const imports = files.filter(isCode).flatMap(importsOf)
const running = files.filter(
  (file) => isCode(file) && !file.startsWith('test/') && !file.startsWith('client/web/'),
)
const fromEngine = imports.filter(({ from }) => !isApp(from))
const fromApp = imports.filter(({ from }) => isApp(from))

describe('the files of the repository', () => {
  it('are all read by this test', () => {
    expect(files.length).toBeGreaterThan(MIN_FILES)
    expect(imports.length).toBeGreaterThan(files.length)
  })

  it('are the app’s, or lie in a folder of the engine', () => {
    expect(files.filter((file) => !isApp(file) && tierOf(file) < 0)).toEqual([])
  })

  it('are called yours in the README where they are the app’s and there, and nowhere else', () => {
    const table = source('README.md').split('\n## Which files are yours\n')[1]?.split('\n## ')[0] ?? ''
    const yours = [...table.matchAll(/^\|(.+?)\| yours \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path),
    )
    expect(APP_PATHS).toEqual(expect.arrayContaining(yours))
    expect(yours).toEqual(expect.arrayContaining(APP_PATHS.filter((path) => isThere(path))))
  })
})

describe('the engine', () => {
  it('imports from lower tiers, and within one what is listed', () => {
    const wrong = fromEngine.filter((edge) => {
      const [from, to] = [tierOf(edge.from), tierOf(edge.to)]
      return to > from || (to === from && isBetweenFolders(edge) && !WITHIN_TIERS.includes(foldersOf(edge)))
    })
    expect(lines(wrong)).toEqual([])
  })

  it('uses all that is listed', () => {
    const used = new Set(fromEngine.filter(isBetweenFolders).map(foldersOf))
    expect(WITHIN_TIERS.filter((pair) => !used.has(pair))).toEqual([])
  })

  it('imports nothing of the app, not even types, and no file outside of its folders', () => {
    const wrong = fromEngine.filter(({ to, isFile }) => isFile && (isApp(to) || tierOf(to) < 0))
    expect(lines(wrong)).toEqual([])
  })

  it('does not import itself by the name of the package', () => {
    expect(lines(fromEngine.filter(({ to }) => /^deputyjs(?:\/|$)/.test(to)))).toEqual([])
  })

  it('gives the client nothing but types', () => {
    const wrong = imports.filter(
      ({ from, to, typeOnly }) =>
        /^client\/(?:core|react|console)\//.test(from) && to.startsWith('server/') && !typeOnly,
    )
    expect(lines(wrong)).toEqual([])
  })

  it('reads the environment in one file', () => {
    const readers = running.filter((file) => /process\.env\b/.test(source(file)))
    expect(readers).toEqual(['server/env/environment.ts'])
  })

  it('uses sql.raw for constants of the schema alone', () => {
    const uses = running.flatMap((file) => source(file).match(/sql\.raw\([^)]*\)*/g) ?? [])
    expect(new Set(uses)).toEqual(new Set(['sql.raw(column.getSQLType())', 'sql.raw(columnList)']))
  })
})

describe('the app', () => {
  it('imports its own files, the entries of the package, zod, Drizzle and Hono', () => {
    const wrong = fromApp.filter(({ from, to, isFile }) => {
      if (isFile) return !isApp(to)
      if (from.startsWith('client/web/')) return false
      return !APP_IMPORTS.test(to) && !(from.startsWith('test/') && APP_TEST_IMPORTS.test(to))
    })
    expect(lines(wrong)).toEqual([])
  })

  it('gives its front end nothing of the server but types', () => {
    const wrong = fromApp.filter(
      ({ from, to, typeOnly }) => from.startsWith('client/web/') && to.startsWith('server/') && !typeOnly,
    )
    expect(lines(wrong)).toEqual([])
  })
})

describe('imports', () => {
  it('go in no circles, types counted', () => {
    expect(lines(circular(imports))).toEqual([])
  })

  it('are found in every form', () => {
    const forms = modulesNamedIn(`
      import './effect.ts'
      import value, { type T1 } from './value.ts'
      import { type T2 } from './inline-type.ts'
      import type { T3 } from './type.ts'
      import type * as all from './all-types.ts'
      export { other } from './export.ts'
      export type { T4 } from './export-type.ts'
      export * from './export-all.ts'
      type T5 = import('./in-a-type.ts').T5<typeof import('./in-a-type-query.ts')>
      const later = async () => import('./dynamic.ts')
      const unknown = import(value)
      export const text = "import './in-a-text.ts'"
    `)
    expect(forms.map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' (type)' : ''}`)).toEqual([
      './effect.ts',
      './value.ts',
      './inline-type.ts (type)',
      './type.ts (type)',
      './all-types.ts (type)',
      './export.ts',
      './export-type.ts (type)',
      './export-all.ts',
      './in-a-type.ts (type)',
      './in-a-type-query.ts (type)',
      './dynamic.ts',
      'undefined',
    ])
  })

  it('are written out, so that they can be read here, but for the app that the command loads, and its Vite', () => {
    const workedOut = imports.filter(({ to }) => to === WORKED_OUT)
    expect(workedOut.map(({ from }) => from)).toEqual(['server/cli/front-end.ts', 'server/cli/load-app.ts'])
  })
})

describe('the folders of tests', () => {
  it('hold no test of the engine that looks at the app', () => {
    const ofEngine = filesIn('test').filter((file) => isCode(file) && !isApp(file))
    const wrong = ofEngine.flatMap(importsOf).filter(({ to, isFile }) => isFile && isApp(to))
    expect(ofEngine.length).toBeGreaterThan(MIN_FILES)
    expect(lines(wrong)).toEqual([])
  })

  it('are named after folders of the engine, or are a suite', () => {
    const ofApp = APP_PATHS.flatMap((path) => /^test\/(\w+)\/$/.exec(path)?.[1] ?? [])
    const names = new Set([...TIERS.flat().map(nameOfTests), ...SUITES, ...ofApp])
    expect(foldersIn('test').filter((name) => !names.has(name))).toEqual([])
    expect(filesIn('test').filter((file) => file.split('/').length < 3)).toEqual([])
  })
})

/** The folder of the engine that a file lies in; undefined for any other. */
function folderOf(file: string): string | undefined {
  return isApp(file) ? undefined : TIERS.flat().find((folder) => file.startsWith(`${folder}/`))
}

/** Counts from the ground; -1 for what is in no tier. */
function tierOf(file: string): number {
  const folder = folderOf(file)
  return TIERS.findIndex((tier) => folder !== undefined && tier.includes(folder))
}

function foldersOf({ from, to }: Import): string {
  return `${folderOf(from)} → ${folderOf(to)}`
}

function isBetweenFolders({ from, to }: Import): boolean {
  return folderOf(from) !== folderOf(to) && folderOf(to) !== undefined
}

/** `server/http` is tested in `test/http`, `drizzle/engine` in `test/drizzle`, `client/core` in `test/client`. */
function nameOfTests(folder: string): string {
  const [place = '', name = ''] = folder.split('/')
  return place === 'server' ? name : place
}

function lines(edges: readonly Import[]): string[] {
  return edges.map(({ from, to }) => `${from} → ${to}`)
}
