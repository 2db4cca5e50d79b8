import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { placeInitialData } from '../../server/db/initial-data.ts'
import { guarded, temporaryPath } from '../support/guarded.ts'
import { type DeputyCommand, deputyCommand } from '../support/programs.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** A small app: one collection, and what can be done with it. */
const APP: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }',
  'drizzle/collections.ts': `import { collection } from 'deputyjs/collections'
import { text } from 'drizzle-orm/pg-core'
export const users = collection('users', { name: text(), email: text(), imageUrl: text(), role: text().notNull().default('member') }, { systemManaged: ['name', 'email', 'imageUrl', 'role'] })
export const notes = collection('notes', { text: text().notNull() }, { access: { member: { read: 'own' } } })
`,
  'server/deputy.ts': `import * as deputy from 'deputyjs'
import type * as collections from '../drizzle/collections.ts'
export const { action, ownerAction, roleAction } = deputy.createBuilders<{ collections: typeof collections }>()
`,
  'server/actions.ts': `import { fail } from 'deputyjs'
import { z } from 'zod'
import { action, ownerAction, roleAction } from './deputy.ts'
const input = z.strictObject({ text: z.string().max(100) })
export const writeNote = action.input(input).output(z.object({ recordId: z.string() }))
  .meta({ summary: 'Writes a note', tags: ['notes'], deprecated: true }).mutation(({ ctx, input }) => ctx.tools.create('notes', input))
export const countNotes = ownerAction.input(z.strictObject({})).meta({ audit: 'always' })
  .query(({ ctx }) => ctx.tools.count('notes', {}))
export const refuse = roleAction('editor').input(z.strictObject({})).meta({ deadlineMs: 2_000, budget: { calls: 5 }, limit: { rate: 9, per: 'hour', burst: 3 }, dryRun: 'caller' })
  .mutation(async () => fail('CONFLICT', 'Never.'))
`,
  'server/app.ts': `import { defineApp } from 'deputyjs'
import * as collections from '../drizzle/collections.ts'
import * as actions from './actions.ts'
export const app = defineApp({ collections, actions, migrations: new URL('../drizzle/migrations', import.meta.url) })
`,
  'server/main.ts': `import { run } from 'deputyjs'
await run(() => import('./app.ts'))
`,
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** An app in a folder of its own, whose package `deputyjs` is this repository. */
export interface AppFolder extends AsyncDisposable {
  readonly path: string
  write(file: string, text: string): Promise<void>
  /** Runs `deputy` there to its end. */
  deputy(args: readonly string[], options?: RunOptions): Promise<Ended>
  /** Starts it, and leaves it running. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): ReturnType<typeof spawnDeputy>
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

export async function makeAppFolder(files: Readonly<Record<string, string>> = {}): Promise<AppFolder> {
  const path = await temporaryPath('app')
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(path, file)), { recursive: true })
    await writeFile(join(path, file), text)
  }
  for (const [file, text] of Object.entries({ ...APP, ...files })) await write(file, text)
  // Where the build has kept an empty database, it has that; to make one takes far longer.
  await placeInitialData(join(path, '.deputy/pgdata'), join(ROOT, 'dist/server/db'))
  await mkdir(join(path, 'node_modules'))
  const command = await deputyCommand()
  await symlink(command.packageFolder, join(path, 'node_modules/deputyjs'))
  for (const name of await readdir(join(ROOT, 'node_modules')))
    if (!name.startsWith('.'))
      await symlink(join(ROOT, 'node_modules', name), join(path, 'node_modules', name))
  return {
    path,
    write,
    start: (args, env = {}) => spawnDeputy(command, path, args, env),
    async deputy(args, { env = {}, stdin = '' } = {}) {
      const { child, output, ended } = spawnDeputy(command, path, args, env)
      child.stdin.end(stdin)
      return { code: await ended, ...output }
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

function spawnDeputy(
  { program, held }: DeputyCommand,
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
) {
  const child = guarded(
    spawn(process.execPath, ['--import', held, ...program, ...args], {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      detached: true,
    }),
  )
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (part: string) => {
      output[name] += part
    })
  }
  const ended = once(child, 'close').then(([code]): number | null => code)
  return { child, output, ended }
}
