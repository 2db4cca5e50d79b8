import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const COLLECTIONS = 40
const FIELDS = `title: text().notNull(), summary: text(), startsAt: timestamp({ withTimezone: true }).notNull(),
  capacity: integer().notNull(), count: integer().notNull().default(0), tags: text().array(),
  visibility: text({ enum: ['private', 'public'] }).notNull().default('private')`

/** Writes an app of 40 collections and so many actions, with a user of its client, into an empty directory. */
export async function generateApp(directory: string, actions: number): Promise<void> {
  const engine = (path: string) => JSON.stringify(join(ROOT, path))
  const write = (name: string, text: string) => writeFile(join(directory, name), text)
  const numbers = Array.from({ length: actions }, (_, number) => number)
  await mkdir(join(directory, 'actions'))
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  await write('package.json', '{ "type": "module" }')
  await write(
    'tsconfig.json',
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(ROOT, 'node_modules/@types')] },
      include: ['**/*.ts'],
      exclude: ['node_modules'],
    }),
  )
  await write(
    'collections.ts',
    `import { integer, text, timestamp } from 'drizzle-orm/pg-core'
import { collection } from ${engine('drizzle/engine/collection.ts')}
export const users = collection('users', { name: text(), email: text(), imageUrl: text(), role: text().notNull().default('member') },
  { systemManaged: ['name', 'email', 'imageUrl', 'role'] })
const access = { '*': { read: 'published' }, member: { read: true, create: true, update: 'own', writableFields: ['title', 'summary', 'startsAt', 'capacity'] } } as const
${Array.from(
  { length: COLLECTIONS },
  (_, number) => `export const things${number} = collection('things_${number}', { ${FIELDS} },
  { visibilityField: { field: 'visibility', value: 'public' }, access })`,
).join('\n')}\n`,
  )
  await write('env.ts', `import { z } from 'zod'\nexport const env = z.object({ BASE_URL: z.url() })\n`)
  await write(
    'deputy.ts',
    `import * as deputy from ${engine('server/lifecycle/index.ts')}
import type * as collections from './collections.ts'
import type { env } from './env.ts'
interface App { collections: typeof collections; integrations: Record<never, never>; env: typeof env }
export const { action } = deputy.createBuilders<App>()
export type AppContext = deputy.ActionContext<App>\n`,
  )
  for (const number of numbers) await write(`actions/action-${number}.ts`, actionFile(number, engine))
  await write(
    'actions/index.ts',
    numbers.map((number) => `export { action${number} } from './action-${number}.ts'\n`).join('') ||
      'export {}\n',
  )
  await write(
    'app.ts',
    `import { defineApp, type RouterOf } from ${engine('server/lifecycle/index.ts')}
import * as actions from './actions/index.ts'
import * as collections from './collections.ts'
import { env } from './env.ts'
export const app = defineApp({ collections, actions, env, migrations: new URL('file:///migrations') })
export type AppRouter = RouterOf<typeof app>\n`,
  )
  await write(
    'user.ts',
    `import { createClient } from ${engine('client/core/index.ts')}
import type { AppRouter } from './app.ts'
const client = createClient<AppRouter>({ url: 'http://127.0.0.1:3000' })
export async function use() {
  const page = await client.records.things_7.list.query({ where: { title: { startsWith: 'L' } }, orderBy: 'startsAt' })
  ${actions === 0 ? '' : "const made = await client.actions.action0.mutate({ id: 'x', title: 'x', size: 5 })"}
  return [page${actions === 0 ? '' : ', made'}]
}\n`,
  )
}

/** An action as people write them: it reads, decides, writes two records and tells what it did. */
function actionFile(number: number, engine: (path: string) => string): string {
  const [one, other] = [number % COLLECTIONS, (number + 1) % COLLECTIONS].map((of) => `'things_${of}'`)
  return `import { z } from 'zod'
import { fail, ok } from ${engine('server/lifecycle/index.ts')}
import { action } from '../deputy.ts'
export const action${number} = action
  .input(z.strictObject({ id: z.string().min(1), title: z.string().max(200), size: z.int().min(1).default(5) }))
  .mutation(async ({ ctx, input }) => {
    const allowed = await ctx.asCaller.may('update', ${one}, input.id)
    if (!allowed.success) return allowed
    const thing = await ctx.tools.get(${one}, input.id)
    if (!thing.success) return thing
    const { count, capacity, startsAt } = thing.data.record.data
    if (count >= capacity) return fail('CONFLICT', 'It is full.')
    const others = await ctx.tools.query(${other}, { where: { title: { startsWith: input.title }, startsAt: { gt: startsAt } }, limit: 10 })
    if (!others.success) return others
    const made = await ctx.tools.create(${other}, { title: input.title, startsAt, capacity: input.size })
    if (!made.success) return made
    const updated = await ctx.tools.update(${one}, input.id, { count: count + ${number}, summary: input.title })
    if (!updated.success) return updated
    return ok({ id: made.data.recordId, titles: others.data.records.map((record) => record.data.title) })
  })\n`
}
