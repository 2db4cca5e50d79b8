import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'

export interface CreateOptions {
  /** Where the app is made; the folder is made as well. */
  readonly directory: string
  /** The folder that holds the templates `example`, `empty` and `common`. */
  readonly templates: string
  /** `users` and one collection with one action, instead of the example. */
  readonly isEmpty: boolean
  /** Writes what is missing beside what is there, instead of refusing a folder that has some of it. */
  readonly isFilling: boolean
  /** What the app installs as `deputyjs`: a version, a range, or the path of a tarball. @default the template's own */
  readonly deputyjs?: string | undefined
}

export interface CreatedApp {
  /** Absolute. */
  readonly directory: string
  readonly name: string
  /** Written now, named from the app's folder, sorted. */
  readonly files: readonly string[]
}

/** Why an app cannot be made, for the person at the terminal. */
export class CreateError extends Error {}

/** npm takes these files out of a package, or reads them there: in a template they have other names. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['gitignore', '.gitignore'],
  ['dockerignore', '.dockerignore'],
  ['env.example', '.env.example'],
  ['github/workflows/ci.yml', '.github/workflows/ci.yml'],
  ['app-package.json', 'package.json'],
])

/**
 * Makes an app out of a template. Asks nothing and reaches nothing but the disk.
 *
 * @throws {CreateError} when a file of the app is there already, or the folder's name can be no package's.
 */
export async function createApp(options: CreateOptions): Promise<CreatedApp> {
  const directory = resolve(options.directory)
  const name = packageName(directory)
  const files = new Map<string, string>()
  for (const template of ['common', options.isEmpty ? 'empty' : 'example']) {
    const folder = join(options.templates, template)
    for (const file of await filesIn(folder)) files.set(RENAMED.get(file) ?? file, join(folder, file))
  }
  const there = [...files.keys()].filter((file) => existsSync(join(directory, file))).sort()
  if (there.length > 0 && !options.isFilling) {
    throw new CreateError(
      `${directory} has ${there.slice(0, 5).join(', ')}${there.length > 5 ? ', …' : ''} already. Name an empty folder, or write only what is missing with --fill.`,
    )
  }
  const missing = [...files].filter(([file]) => !there.includes(file))
  for (const [file, source] of missing) {
    const target = join(directory, file)
    await mkdir(dirname(target), { recursive: true })
    if (file === 'package.json') await writeManifest(source, target, name, options.deputyjs)
    else if (file === 'README.md') await writeReadme(source, target, name)
    else await cp(source, target)
  }
  return { directory, name, files: missing.map(([file]) => file).sort() }
}

/** What is shown once an app is made. @param from the folder that the person is in */
export function nextSteps({ directory, files }: CreatedApp, from: string): string {
  const path = relative(from, directory)
  const enter = path === '' ? '' : `  cd ${path.includes(' ') ? JSON.stringify(path) : path}\n`
  return `Made ${files.length} files in ${directory}. Next:

${enter}  npm install
  npm start        # http://127.0.0.1:3000, on an embedded database in .deputy/
  npm test

README.md says what is where.
`
}

/** Names of npm: https://docs.npmjs.com/cli/configuring-npm/package-json#name */
function packageName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9~-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  if (name === '')
    throw new CreateError(`${directory}: give the folder a name with letters, which is the app’s name`)
  return name.slice(0, 214)
}

async function writeManifest(source: string, target: string, name: string, deputyjs: string | undefined) {
  const manifest = JSON.parse(await readFile(source, 'utf8'))
  manifest.name = name
  if (deputyjs !== undefined) manifest.dependencies.deputyjs = specifier(deputyjs, dirname(target))
  await writeFile(target, `${JSON.stringify(manifest, undefined, 2)}\n`)
}

/** A tarball or a folder is named from the app. */
function specifier(deputyjs: string, directory: string): string {
  if (!existsSync(deputyjs)) return deputyjs
  return `file:${relative(directory, resolve(deputyjs)).replaceAll('\\', '/')}`
}

async function writeReadme(source: string, target: string, name: string): Promise<void> {
  const text = await readFile(source, 'utf8')
  await writeFile(
    target,
    text.replace(/^# .*/, () => `# ${name}`),
  )
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
}
