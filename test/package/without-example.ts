// Deletes the example in a copy of the repository, puts one collection and one action in its place, and checks there
// that the engine's own tests, which are copied as they are, pass: `npm run without-example`. What is given after `--`
// is for vitest: `-- --project static` runs a part of them.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { isApp } from '../architecture/app-paths.ts'
import { guarded } from '../support/guarded.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** The smallest app: `users`, which the engine asks for, one collection and one action. */
const APP: Readonly<Record<string, string>> = {
  'integrations.ts': `import { defineIntegrations } from 'deputyjs/integrations'

export const integrations = defineIntegrations({})
`,
  'drizzle/collections.ts': `import { collection } from 'deputyjs/collections'
import { text } from 'drizzle-orm/pg-core'

export const users = collection(
  'users',
  { name: text(), email: text(), imageUrl: text(), role: text().notNull().default('member') },
  { systemManaged: ['name', 'email', 'imageUrl', 'role'] },
)

export const notes = collection('notes', { text: text().notNull() }, { access: { member: { read: 'own' } } })
`,
  'server/deputy.ts': `import * as deputy from 'deputyjs'
import type * as collections from '../drizzle/collections.ts'
import type { integrations } from '../integrations.ts'
import type { env } from './env.ts'

interface App {
  collections: typeof collections
  integrations: typeof integrations
  env: typeof env
}

export const { action } = deputy.createBuilders<App>()
`,
  'server/env.ts': `import { z } from 'zod'

export const env = z.object({})
`,
  'server/routes.ts': `import type { AnyRoutes } from 'deputyjs'
import { Hono } from 'hono'

export const routes: AnyRoutes = () => new Hono()
`,
  'server/app.ts': `import { defineApp, type RouterOf } from 'deputyjs'
import * as collections from '../drizzle/collections.ts'
import { integrations } from '../integrations.ts'
import { env } from './env.ts'
import * as actions from './routers/actions/index.ts'
import { routes } from './routes.ts'

const migrations = new URL('../drizzle/migrations', import.meta.url)

export const app = defineApp({ collections, migrations, actions, integrations, env, routes })

export type AppRouter = RouterOf<typeof app>
`,
  'server/main.ts': `import { run } from 'deputyjs'

await run(() => import('./app.ts'))
`,
  'server/routers/actions/write-note.ts': `import { z } from 'zod'
import { action } from '../../deputy.ts'

export const writeNote = action
  .input(z.strictObject({ text: z.string().min(1).max(1_000) }))
  .mutation(({ ctx, input }) => ctx.tools.create('notes', input))
`,
  'server/routers/actions/index.ts': `export { writeNote } from './write-note.ts'
`,
  'test/actions/write-note.test.ts': `import { createTestApp } from 'deputyjs/testing'
import { expect, it } from 'vitest'
import { app } from '../../server/app.ts'

it('keeps a note for its writer', async () => {
  await using tested = await createTestApp(app, { databaseUrl: process.env.TEST_DATABASE_URL })
  const ada = await tested.as('ada')
  await ada.actions.writeNote({ text: 'Hello' })
  expect(await ada.records.notes.list()).toMatchObject({ data: { records: [{ data: { text: 'Hello' } }] } })
  const eve = await tested.as('eve')
  expect(await eve.records.notes.list()).toMatchObject({ data: { records: [] } })
})
`,
  'test/demo/main.ts': `import { createTestApp } from 'deputyjs/testing'
import { app } from '../../server/app.ts'

await using tested = await createTestApp(app)
const ada = await tested.as('ada')
console.log(await ada.actions.writeNote({ text: 'Hello' }))
`,
}

/** What must hold of the copy. */
const CHECKS: readonly (readonly string[])[] = [
  ['run', 'db:generate', '--', '--name', 'init'],
  ['run', 'check'],
  ['run', 'build'],
  ['run', 'demo'],
  ['test', '--', ...process.argv.slice(2)],
  ['run', 'bench', '--', '--quick', '--only', 'echo-rest,create,list'],
]

const copy = await mkdtemp(join(tmpdir(), 'deputy-without-example-'))
try {
  await copyEngine()
  for (const [file, text] of Object.entries(APP)) await place(file, text)
  for (const args of CHECKS) await npm(args)
} finally {
  await rm(copy, { recursive: true, force: true })
}

async function copyEngine(): Promise<void> {
  const { stdout } = spawnSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' })
  const files = stdout.split('\n').filter((file) => file !== '' && !isApp(file))
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
