import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/guarded.ts'
import { COMPILERS, compile, type Version } from './compile.ts'
import { generateApp } from './generated-app.ts'

const VERSIONS = Object.keys(COMPILERS) as Version[]
const ROOT = resolve(import.meta.dirname, '../..')
/** The type tests, the files of the app, and the mistakes: all in one, which reads the libraries once. */
const PROJECT = {
  extends: join(ROOT, 'tsconfig.json'),
  compilerOptions: { typeRoots: [join(ROOT, 'node_modules/@types')] },
  include: [
    './*.ts',
    ...[
      'test/types/*.test-d.ts',
      'server/*.ts',
      'server/routers/actions/*.ts',
      'drizzle/collections.ts',
      'integrations.ts',
    ].map((path) => join(ROOT, path)),
  ],
  exclude: ['node_modules'],
}
const MAX_INSTANTIATIONS_PER_ACTION = 6_000

/** Mistakes of authors, and the one sentence that the compiler says to each; `…` stands for a list of types. */
const MISTAKES: readonly (readonly [code: string, sentence: string])[] = [
  [
    "tools.query('things_0', { where: { titel: 'x' } })",
    "Object literal may only specify known properties, but 'titel' does not exist in type 'Where<{…}>'. Did you mean to write 'title'?",
  ],
  [
    "tools.count('things_0', { OR: [{ titel: 'x' }] })",
    "Object literal may only specify known properties, but 'titel' does not exist in type 'Where<{…}>'. Did you mean to write 'title'?",
  ],
  [
    "tools.create('things_0', { titel: 'x', startsAt: new Date(), capacity: 5 })",
    "Object literal may only specify known properties, but 'titel' does not exist in type '{…}'. Did you mean to write 'title'?",
  ],
  [
    "tools.update('things_0', 'id', { titel: 'x' })",
    "Object literal may only specify known properties, but 'titel' does not exist in type '{…}'. Did you mean to write 'title'?",
  ],
  [
    "asCaller.update('things_0', 'id', { titel: 'x' })",
    "Object literal may only specify known properties, but 'titel' does not exist in type '{…}'. Did you mean to write 'title'?",
  ],
  ["tools.update('things_0', 'id', { capacity: 'x' })", "Type 'string' is not assignable to type 'number'."],
  [
    "client.records.things_0.list.query({ where: { titel: 'x' } })",
    "Object literal may only specify known properties, but 'titel' does not exist in type 'Where<{…}>'. Did you mean to write 'title'?",
  ],
  [
    "client.records.things_0.update.mutate({ recordId: 'x', patch: { titel: 'x' } })",
    "Object literal may only specify known properties, but 'titel' does not exist in type '{…}'. Did you mean to write 'title'?",
  ],
  [
    'client.actions.inviteEverybody.mutate({})',
    `Property 'inviteEverybody' does not exist on type 'CallsOfActions<ActionProcedures<typeof import("…")>>'.`,
  ],
]

describe.each(VERSIONS)('TypeScript %s', (version) => {
  let errors: readonly string[]
  beforeAll(async () => {
    await using directory = await temporaryDirectory('mistakes')
    await generateApp(directory.path, 0)
    await writeFile(
      join(directory.path, 'mistakes.ts'),
      [
        `import { createClient } from ${JSON.stringify(join(ROOT, 'client/core/index.ts'))}`,
        "import type { AppRouter } from './app.ts'",
        "import type { AppContext } from './deputy.ts'",
        'declare const { tools, asCaller }: AppContext',
        "const client = createClient<AppRouter>({ url: 'http://127.0.0.1:3000' })",
        ...MISTAKES.map(([code]) => `void ${code}`),
      ].join('\n'),
    )
    await writeFile(
      join(directory.path, 'no-action.ts'),
      [
        `import { defineApp, type RouterOf } from ${JSON.stringify(join(ROOT, 'server/lifecycle/index.ts'))}`,
        "const migrations = new URL('file:///migrations')",
        'const app = defineApp({ collections: {}, migrations, actions: { odd: () => 5 } })',
        'export type AppRouter = RouterOf<typeof app>',
      ].join('\n'),
    )
    await writeFile(join(directory.path, 'tsconfig.json'), JSON.stringify(PROJECT))
    errors = whole((await compile(version, directory.path)).errors)
  }, 300_000)

  it('finds the type tests and the files of the app as they say they are', () => {
    expect(errors.filter((error) => !/^[^(]*(mistakes|no-action)\.ts/.test(error))).toEqual([])
  })

  it('says in one sentence, of rows, that a field has a wrong name', () => {
    const told = errors.filter((error) => /^[^(]*mistakes\.ts/.test(error))
    expect(told.map((error) => withoutRows(error.replace(/^.*?error TS\d+: /, '')))).toEqual(
      MISTAKES.map(([, sentence]) => sentence),
    )
    // Nothing of how columns are built.
    expect(told.join('\n')).not.toMatch(/Pg[A-Z]|NotNull|Builder/)
  })

  it('names what is among the actions and is none, and says how an action is made', () => {
    const told = errors.filter((error) => /^[^(]*no-action\.ts/.test(error))
    expect(told).toEqual([
      expect.stringContaining(
        '\\"odd\\" is no action; make it with action, ownerAction, roleAction or internalAction',
      ),
    ])
  })
})

it('an action costs the compiler little', async () => {
  const [none, hundred] = [await instantiationsOf(0), await instantiationsOf(100)]
  expect((hundred - none) / 100).toBeGreaterThan(0)
  expect((hundred - none) / 100).toBeLessThan(MAX_INSTANTIATIONS_PER_ACTION)
}, 180_000)

async function instantiationsOf(actions: number): Promise<number> {
  await using directory = await temporaryDirectory(`app-of-${actions}`)
  await generateApp(directory.path, actions)
  const { errors, instantiations } = await compile('7', directory.path)
  expect(errors).toEqual([])
  return instantiations
}

/** Errors with the lines that go on with them. */
function whole(lines: readonly string[]): string[] {
  return lines.join('\n').split(/\n(?! )/)
}

/** The order of a type's fields, and how many of them are shown, are each version's own. */
function withoutRows(sentence: string): string {
  return sentence
    .replace(/'(Where<)?\{.*\}(?: & NotWritten<.*>)?(>)?'/, "'$1{…}$2'")
    .replace(/import\([^)]*\)/, 'import("…")')
}
