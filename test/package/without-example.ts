// Deletes the example in a copy of the repository, puts one collection and one action in its place, and checks there
// that the engine's own tests, which are copied as they are, pass: `npm run without-example`. What is given after `--`
// is for vitest: `-- --project static` runs a part of them.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { isApp } from '../../server/cli/repository/app-paths.ts'
import { guarded } from '../support/guarded.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** The smallest app: what `deputy create --empty` writes. */
const EMPTY = join(ROOT, 'server/cli/template/empty')
/** Its demo; an app elsewhere has none. */
const DEMO = `import { createTestApp } from 'deputyjs/testing'
import { app } from '../../server/app.ts'

await using tested = await createTestApp(app)
const ada = await tested.as('ada')
console.log(await ada.actions.writeNote({ text: 'Hello' }))
`

/** Tests that take the example with them, as a template or to compile its files, and what only they use. */
const TAKES_EXAMPLE: ReadonlySet<string> = new Set([
  'test/package/copy-example.ts',
  'test/package/example-streams.test.ts',
  'test/package/example-web.test.ts',
  'test/package/follow.ts',
  'test/package/front-end.test.ts',
  'test/package/object-store.ts',
  'test/package/packed-app.ts',
  'test/package/recipes.test.ts',
  'test/package/sign-in.test.ts',
  'test/package/take-it.test.ts',
  'test/package/test-person.ts',
  'test/types/versions.test.ts',
])

/** What must hold of the copy. */
const CHECKS: readonly (readonly string[])[] = [
  ['run', 'db:generate', '--', '--name', 'init'],
  ['run', 'check'],
  ['run', 'build'],
  ['run', 'demo'],
  ['test', '--', ...process.argv.slice(2)],
  ['run', 'bench', '--', '--quick', '--only', 'create'],
]

const copy = await mkdtemp(join(tmpdir(), 'deputy-without-example-'))
try {
  await copyEngine()
  await cp(EMPTY, copy, { recursive: true })
  await place('test/demo/main.ts', DEMO)
  for (const args of CHECKS) await npm(args)
} finally {
  await rm(copy, { recursive: true, force: true })
}

async function copyEngine(): Promise<void> {
  const { stdout } = spawnSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' })
  const files = stdout.split('\n').filter((file) => file !== '' && !isApp(file) && !TAKES_EXAMPLE.has(file))
  if (files.length < 300) throw new Error('Run this in a clone: its files are what git lists')
  for (const file of files) {
    await mkdir(dirname(join(copy, file)), { recursive: true })
    await cp(join(ROOT, file), join(copy, file))
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
}

async function place(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(copy, file)), { recursive: true })
  await writeFile(join(copy, file), text)
}

async function npm(args: readonly string[]): Promise<void> {
  console.log(`\nWithout the example: npm ${args.join(' ')}`)
  const child = guarded(spawn('npm', args, { cwd: copy, stdio: 'inherit' }))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed in a copy without the example`)
}
