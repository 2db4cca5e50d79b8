import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')
/** What of the example the snippets stand among. */
const APP = [
  'integrations.ts',
  'drizzle/collections.ts',
  'server/deputy.ts',
  'server/app.ts',
  'server/env.ts',
  'server/routes.ts',
  'server/webhook-signature.ts',
  'server/routers/actions',
  'test/actions/test-app.ts',
]
const REGISTRY = 'server/routers/actions/index.ts'
/** Their files stand beside changes of others, or need packages of their own: `test/package/` follows them. */
const FOLLOWED: ReadonlySet<string> = new Set(['docs/recipes.md', 'docs/sign-in.md'])
/** Fewer were found: the search has gone blind. */
const MIN_SNIPPETS = 20

interface Snippet {
  readonly page: string
  readonly code: string
  /** What the first line calls it: it is that file, whole. Without a name it is a part of one, and not compiled. */
  readonly file: string | undefined
}

const pages = await readPages()
const snippets = pages.flatMap(({ name, text }) => snippetsOf(name, text))
let project: string

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'deputy-documentation-'))
  const modules = join(project, 'node_modules')
  await mkdir(modules)
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(ROOT, 'node_modules', name), join(modules, name))
  }
  await symlink(ROOT, join(modules, 'deputyjs'))
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
})

afterAll(() => rm(project, { recursive: true }))

describe('the documentation', () => {
  it('names the file of every snippet that imports something', () => {
    expect(snippets.length).toBeGreaterThan(MIN_SNIPPETS)
    expect(snippets.filter(({ code, file }) => file === undefined && /^import /m.test(code))).toEqual([])
  })

  it('shows files that compile in the example', async () => {
    const files: string[] = []
    for (const app of appsOf(snippets.filter(({ page }) => !FOLLOWED.has(page)))) {
      const directory = `app-${files.length}`
      for (const path of APP) await cp(join(ROOT, path), join(project, directory, path), { recursive: true })
      for (const { file, code } of app) {
        await mkdir(dirname(join(project, directory, file)), { recursive: true })
        await writeFile(join(project, directory, file), code)
        files.push(`${directory}/${file}`)
      }
      await register(join(project, directory, REGISTRY), app)
    }
    const compilerOptions = {
      lib: ['es2023', 'dom'],
      jsx: 'react-jsx',
      typeRoots: [join(ROOT, 'node_modules/@types')],
    }
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, files, include: [] }),
    )
    const { stdout } = spawnSync(process.execPath, [TSC, '--noEmit', '--listFiles', '-p', project], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
    const errors = stdout.split('\n').filter((line) => line.includes('error TS'))
    expect(stdout).toContain(join(ROOT, 'server/lifecycle/index.ts'))
    // An example's other files may miss what a snippet has in their place.
    expect(errors.filter((line) => files.some((file) => line.includes(`${file}(`)))).toEqual([])
  }, 120_000)

  it('names scripts that package.json has', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    const named = pages.flatMap(({ name, text }) =>
      [...text.matchAll(/npm run (?:-s )?([a-z][a-z:-]*)/g)].map(([, script = '']) => ({ name, script })),
    )
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter(({ script }) => !Object.hasOwn(scripts, script))).toEqual([])
  })

  it('names files that are there, or that a snippet has shown', async () => {
    const shown = new Set(snippets.map(({ file }) => file))
    const named = pages.flatMap(({ name, text }) =>
      [...text.matchAll(/(?<![\w/.-])(?:server|drizzle|test|client)\/[\w./-]+\.ts\b/g)].map(([file]) => ({
        name,
        file,
      })),
    )
    expect(named.length).toBeGreaterThan(0)
    const missing: typeof named = []
    for (const place of named) {
      const isThere = await readFile(join(ROOT, place.file)).then(
        () => true,
        () => false,
      )
      if (!isThere && !shown.has(place.file)) missing.push(place)
    }
    expect(missing).toEqual([])
  })
})

async function readPages() {
  const docs = await readdir(join(ROOT, 'docs'), { recursive: true })
  const names = [
    'README.md',
    'CONTRIBUTING.md',
    ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
  ]
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(ROOT, name), 'utf8') })))
}

/** Those of a front end in another repository are marked as such, and compiled in `test/package/front-end.test.ts`. */
function snippetsOf(page: string, text: string): Snippet[] {
  return [...text.matchAll(/^```tsx?\n(.*?)^```$/gms)].map(([, code = '']) => ({
    page,
    code,
    file: /^\/\/ ([\w./-]+\.tsx?)\n/.exec(code)?.[1],
  }))
}

/** The snippets of a page stand in one app, where none of them is the same file as another. */
function appsOf(all: readonly Snippet[]): { file: string; code: string }[][] {
  const apps: { page: string; files: { file: string; code: string }[] }[] = []
  for (const { page, code, file } of all) {
    if (file === undefined) continue
    const app = apps.find((one) => one.page === page && one.files.every((other) => other.file !== file))
    if (app) app.files.push({ file, code })
    else apps.push({ page, files: [{ file, code }] })
  }
  return apps.map(({ files }) => files)
}

/** Adds the actions among the files to the registry, as their author would. */
async function register(registry: string, files: readonly { file: string; code: string }[]): Promise<void> {
  let text = await readFile(registry, 'utf8')
  for (const { file, code } of files) {
    const name = /^export const (\w+)/m.exec(code)?.[1]
    if (name === undefined || dirname(file) !== dirname(REGISTRY) || text.includes(` ${name} `)) continue
    const specifier = file.slice(dirname(REGISTRY).length + 1)
    text += `export { ${name} } from './${specifier}'\n`
  }
  await writeFile(registry, text)
}
