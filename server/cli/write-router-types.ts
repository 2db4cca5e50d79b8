import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, parse, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AppParts } from '../lifecycle/define-app.ts'
import { NO_STREAMS } from '../live/live-hub.ts'
import { createAppRouter } from '../routers/app-router.ts'
import { createCatalog } from '../tools/catalog.ts'
import { callablesOf } from '../trpc/callable.ts'
import { ACTIONS_PREFIX, LIVE_SUFFIX } from '../trpc/init.ts'
import { CommandError } from './command-error.ts'
import { byText, printKey, printObject, printWrittenType } from './type-text.ts'

export interface RouterTypesOptions {
  readonly app: Pick<AppParts, 'actions' | 'collections'>
  /** The file that exports the app. */
  readonly file: string
  /** The name that it exports the app by. @default 'app' */
  readonly exportName?: string
  /** The app's tsconfig.json. @default the nearest one above the file */
  readonly project?: string
  /** The folder of the package `typescript`. @default the one that the app has */
  readonly typescript?: string
  /** The package that the declarations import. @default 'deputyjs-client' */
  readonly client?: string
}

/** The types of the client's package that declarations may name. */
const CLIENT_TYPES = [
  'ActionResult',
  'CollectionProcedures',
  'DeclaredRouter',
  'Failure',
  'JsonValue',
  'Page',
  'QueryOptions',
  'RecordEnvelope',
  'Success',
  'TypedMutation',
  'TypedQuery',
]
/** Its source, or in the package the declarations of it. */
const WRITTEN_TYPES = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './written-types.ts' : './written-types.d.ts', import.meta.url),
)
const MAX_OUTPUT_BYTES = 2 ** 28
/** What the compiler says of declarations that it cannot write. Those of the app's files are not needed. */
const DECLARATION_ERROR = /^TS(?:2742|2883|4\d{3}|5088|7056|9\d{3})$/
/** The lines of the module above its first value. */
const MODULE_HEAD = [
  "type Procedures = (typeof app)['$router']['_def']['record']",
  'declare function procedure<T>(): WrittenProcedure<T>',
  'declare function collection<T>(): WrittenProceduresOf<T>',
]

/**
 * Writes the type of an app's router as one file of declarations, which names nothing but types of the client's package:
 * a front end in another repository needs neither the app nor what it is made of. The app's own compiler works the types
 * out; the order is the same for every version of it.
 *
 * @throws {CommandError} where the app does not compile or has no TypeScript, and where a type cannot be written: one
 * that contains itself, or that no call carries.
 */
export async function writeRouterTypes(options: RouterTypesOptions): Promise<string> {
  const file = resolve(options.file)
  const project = options.project ?? nearestProject(file)
  const compiler = join(options.typescript ?? typescriptOf(file), 'bin/tsc')
  const places = placesOf(options.app)
  // In the app's own folder, from where its packages are found.
  const directory = await mkdtemp(join(dirname(project), '.deputy-types-'))
  try {
    const ambient = await ambientFilesOf(compiler, project)
    const app = { file, name: options.exportName ?? 'app' }
    await writeFile(join(directory, 'written-types.ts'), await writtenTypesFor(directory))
    await writeFile(join(directory, 'router.ts'), moduleOf(places, app, directory))
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(configurationOf(project, ambient)))
    const { output } = await run(compiler, ['--pretty', 'false', '-p', directory])
    const errors = errorsOf(output, places, directory)
    if (errors.length > 0) throw new CommandError(`The app does not compile:\n${errors.join('\n')}`)
    const emitted = join(directory, 'out', relative(parse(directory).root, directory), 'router.d.ts')
    const types = typesOf(await readFile(emitted, 'utf8'), places)
    return textOf(types, relative(dirname(project), file), options.client ?? 'deputyjs-client')
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The path of a procedure, or of a collection, which has always the same ones. */
interface Place {
  readonly path: readonly string[]
  readonly isCollection: boolean
}

function placesOf(app: RouterTypesOptions['app']): readonly Place[] {
  const router = createAppRouter(app.actions, createCatalog(app.collections), NO_STREAMS)
  // An action that only reads has its live query by its own type.
  const paths = [...callablesOf(router).keys()].filter(isWritten).map((path) => path.split('.'))
  const collections = new Set(paths.flatMap(([part, name = '']) => (part === 'records' ? [name] : [])))
  return [
    ...paths.filter(([part]) => part !== 'records').map((path) => ({ path, isCollection: false })),
    ...[...collections].map((name) => ({ path: ['records', name], isCollection: true })),
  ].sort((one, other) => byText(one.path.join('.'), other.path.join('.')))
}

function isWritten(path: string): boolean {
  return !(path.startsWith(ACTIONS_PREFIX) && path.endsWith(LIVE_SUFFIX))
}

/** A module of values that have the types: what the compiler declares of them is the types, written out. */
function moduleOf(
  places: readonly Place[],
  app: { readonly file: string; readonly name: string },
  directory: string,
): string {
  const values = places.map(({ path, isCollection }, at) => {
    const type = `Procedures${path.map((name) => `[${JSON.stringify(name)}]`).join('')}`
    return `export const written${at} = ${isCollection ? 'collection' : 'procedure'}<${type}>()`
  })
  return [
    `import type { ${app.name} as app } from ${specifier(directory, app.file)}`,
    "import type { WrittenProcedure, WrittenProceduresOf } from './written-types.ts'",
    ...MODULE_HEAD,
    ...values,
  ].join('\n')
}

/** A copy beside the module: of a package the compiler names in declarations only what the package exports. */
async function writtenTypesFor(directory: string): Promise<string> {
  const text = await readFile(WRITTEN_TYPES, 'utf8')
  return text.replaceAll(/(?<=^import type .* from )'(\.[^']*)'/gm, (_, path: string) =>
    specifier(directory, join(dirname(WRITTEN_TYPES), path)),
  )
}

/** How a module in the folder names a file elsewhere. */
function specifier(directory: string, file: string): string {
  return JSON.stringify(relative(directory, file).replaceAll('\\', '/'))
}

function configurationOf(project: string, ambient: readonly string[]): object {
  return {
    extends: project,
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      noEmitOnError: false,
      allowImportingTsExtensions: true,
      rewriteRelativeImportExtensions: false,
      declarationMap: false,
      isolatedDeclarations: false,
      composite: false,
      incremental: false,
      noUnusedLocals: false,
      skipLibCheck: true,
      rootDir: parse(project).root,
      outDir: 'out',
    },
    files: ['router.ts', ...ambient],
    include: [],
    references: [],
  }
}

/** The files of an app that declare what no import names. */
async function ambientFilesOf(compiler: string, project: string): Promise<readonly string[]> {
  const { output, isSuccess } = await run(compiler, ['--showConfig', '-p', project])
  if (!isSuccess) throw new CommandError(`TypeScript does not take ${project}:\n${output}`)
  const { files = [] }: { readonly files?: readonly string[] } = JSON.parse(output)
  return files.filter((file) => file.endsWith('.d.ts')).map((file) => resolve(dirname(project), file))
}

/** Says what is wrong with the app: the errors of its files; without any, what of its router cannot be written. */
function errorsOf(output: string, places: readonly Place[], directory: string): readonly string[] {
  const errors = [...output.matchAll(/^(?:(.+?)\((\d+),\d+\): )?error (TS\d+): .*$/gm)]
  const isOwn = (file: string | undefined) => file !== undefined && resolve(file).startsWith(directory)
  const ofApp = errors.filter(([, file, , code = '']) => !isOwn(file) && !DECLARATION_ERROR.test(code))
  if (ofApp.length > 0) return ofApp.map(([whole]) => whole)
  return errors.flatMap(([whole, file, line, code = '']) => {
    if (!isOwn(file)) return []
    const place = places[Number(line) - MODULE_HEAD.length - 3]
    if (!place || !DECLARATION_ERROR.test(code)) return [whole]
    return [`${place.path.join('.')} has a type that contains itself, or one that is too large to be written`]
  })
}

/** The printed type of each place, by what the compiler wrote. */
function typesOf(
  declarations: string,
  places: readonly Place[],
): readonly (Place & { readonly type: string })[] {
  const statements = declarations.split(/^export (?=declare const written\d)/m)
  const written = new Map(
    statements.map((statement) => {
      const [whole = '', at] = /^declare const written(\d+): /.exec(statement) ?? []
      const type = statement.slice(whole.length).replace(/;\s*(?:export \{\};\s*)?$/, '')
      return [Number(at), type.replaceAll(/import\("[^"]*"\)\.(?=Written)/g, '')]
    }),
  )
  const problems: string[] = []
  const types = places.map((place, at) => {
    const name = place.path.join('.')
    try {
      return { ...place, type: printWrittenType(written.get(at) ?? '', name) }
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      problems.push(error.message)
      return { ...place, type: 'never' }
    }
  })
  if (problems.length === 0) return types
  throw new CommandError(`The types of the app cannot be written for clients:\n${problems.join('\n')}`)
}

function textOf(types: readonly (Place & { readonly type: string })[], file: string, client: string): string {
  const parts = new Map<string, string[]>()
  for (const { path, type } of types) {
    const [part = '', name = ''] = path
    const fields = parts.get(part) ?? []
    fields.push(`${printKey(name)}: ${type}`)
    parts.set(part, fields)
  }
  const procedures = printObject([...parts].map(([part, fields]) => `${part}: ${printObject(fields)}`))
  const router = `export type AppRouter = DeclaredRouter<${procedures}>`
  const names = CLIENT_TYPES.filter((name) => new RegExp(`\\b${name}<|\\b${name}\\b(?!['?:])`).test(router))
  return `// Written by \`deputy types\` from ${file.replaceAll('\\', '/')}: what clients may call, and with which types.
// Do not edit it: write it again when the app has changed.
import type {
${names.map((name) => `  ${name},\n`).join('')}} from '${client}'

${router}
`
}

function nearestProject(file: string): string {
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    const project = join(directory, 'tsconfig.json')
    if (existsSync(project)) return project
    if (directory === dirname(directory)) {
      throw new CommandError(`There is no tsconfig.json in the folder of ${file}, nor above it`)
    }
  }
}

function typescriptOf(file: string): string {
  try {
    return dirname(createRequire(file).resolve('typescript/package.json'))
  } catch {
    throw new CommandError(
      'The app has no TypeScript, which works its types out: npm install --save-dev typescript',
    )
  }
}

interface Run {
  readonly isSuccess: boolean
  readonly output: string
}

function run(compiler: string, args: readonly string[]): Promise<Run> {
  return new Promise((settle) => {
    execFile(
      process.execPath,
      [compiler, ...args],
      { maxBuffer: MAX_OUTPUT_BYTES },
      (error, stdout, stderr) =>
        settle({ isSuccess: error === null, output: stdout || stderr || String(error ?? '') }),
    )
  })
}
