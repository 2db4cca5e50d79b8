import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { writeRouterTypes } from '../../server/cli/write-router-types.ts'
import { fixture } from '../fixture/app.ts'
import { runGuarded, temporaryDirectory } from '../support/guarded.ts'
import { COMPILERS } from '../types/compile.ts'
import { app as odd } from './odd-types-app.ts'
import { app as unwritable } from './unwritable-types-app.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const FIXTURE = { app: fixture, file: join(ROOT, 'test/fixture/app.ts'), exportName: 'fixture' }

describe('the router’s types, written', () => {
  let text: string
  beforeAll(async () => {
    text = await writeRouterTypes(FIXTURE)
  }, 120_000)

  it('name nothing but types of the client’s package', () => {
    expect(text.match(/^(?!\/\/).*\b(?:import|require)\b.*|\bfrom '.*/gm)).toEqual([
      'import type {',
      "from 'deputyjs-client'",
    ])
    expect(text).not.toMatch(/\bany\b/)
  })

  it('hold no configuration of integrations, and of endpoints those that clients may call', () => {
    expect(text).not.toMatch(/_API_KEY|_URL|openai|resend|secret|price|reserve:/i)
    expect(text).toContain("readonly endpoint: 'weather/forecast'")
    // What the answer of `integrations.list` holds, for every integration alike.
    expect(text.match(/.*billing.*/g)).toEqual(["        readonly billing: 'developer' | 'user'"])
  })

  it('are the same, byte for byte, whichever compiler works them out', async () => {
    expect(await writeRouterTypes({ ...FIXTURE, typescript: COMPILERS['5.9'] })).toBe(text)
  }, 240_000)

  it('leave nothing behind', async () => {
    expect((await readdir(ROOT)).filter((name) => name.startsWith('.deputy-types'))).toEqual([])
  })

  it('are those of the router: what the one takes and gives, the other does', async () => {
    const client = join(ROOT, 'client/core/index.ts')
    const paths = [...text.matchAll(/^ {2}(\w+): \{$((?:\n {4}.*)*)/gm)].flatMap(([, part, names = '']) =>
      [...names.matchAll(/^ {4}(\w+): Typed/gm)].map(([, name]) => [part, name]),
    )
    const verbs = ['get', 'list', 'count', 'live', 'liveRecord', 'create', 'update', 'remove']
    for (const name of ['analytics', 'attendees', 'events', 'users'])
      paths.push(...verbs.map((verb) => ['records', name, verb]))
    expect(paths.length).toBeGreaterThan(40)
    const checks = paths.flatMap((path) =>
      ['input', 'output'].map((side) => {
        const type = [...path, '_def', '$types', side].map((name) => `['${name}']`).join('')
        return `same<Same<Procedures${type}, Written${type}>>('same')`
      }),
    )
    const errors = await errorsOf({
      'app-router.d.ts': text.replace('deputyjs-client', client),
      'compare.ts': [
        `import type { FixtureRouter } from '${join(ROOT, 'test/fixture/app.ts')}'`,
        "import type { AppRouter } from './app-router.d.ts'",
        "type Procedures = FixtureRouter['_def']['record']",
        "type Written = AppRouter['_def']['record']",
        'type IsAny<T> = 0 extends 1 & T ? true : false',
        "type Same<A, B> = IsAny<A | B> extends true ? 'any' : [A] extends [B] ? [B] extends [A] ? 'same' : 'wider' : 'narrower'",
        'declare function same<T>(found: T): void',
        ...checks,
        // The check itself is one: these are errors.
        "same<Same<{ a: 1 }, { a: 1; b: 2 }>>('same')",
        "same<Same<{ a?: Date }, { a: Date }>>('same')",
        "same<Same<1, any>>('same')",
      ].join('\n'),
    })
    const [first] = [7 + checks.length + 1]
    expect(errors).toEqual([first, first + 1, first + 2].map((line) => `compare.ts(${line}`))
  }, 240_000)
})

describe('types that are hard to write', () => {
  it('are written without their names', async () => {
    const text = await writeRouterTypes({ app: odd, file: join(ROOT, 'test/cli/odd-types-app.ts') })
    const actions = text.slice(text.indexOf('  actions: {'), text.indexOf('  audit: {'))
    expect(actions).toMatchInlineSnapshot(`
      "  actions: {
          takesAll: TypedMutation<{
            anything: any
            big: bigint
            free: JsonValue
            id: string
            kind: 'x' | 'y'
            list?: (number | string)[] | undefined
            pair: [1, (string | undefined)?]
            table: { [key: string]: boolean }
            text: \`n-\${number}\`
            unsure: unknown
            when?: Date | undefined
          }, Success<{
            anything: any
            big: bigint
            free: JsonValue
            id: string
            kind: 'x' | 'y'
            list: (number | string)[]
            pair: [1, (string | undefined)?]
            table: { [key: string]: boolean }
            text: \`n-\${number}\`
            unsure: unknown
            when?: Date | undefined
          }>>
          tells: TypedQuery<{ [key: string]: never }, Success<{ readonly at: Date; readonly exact?: string | undefined; readonly note?: string }>>
          tellsOneOfTwo: TypedQuery<{ one: boolean }, Success<{ one: 'a' | 'b' | null }> | Success<{ two: JsonValue | undefined }>>
        }
      "
    `)
  }, 120_000)

  it('are refused where no client could have them, all of them at once', async () => {
    const written = writeRouterTypes({
      app: unwritable,
      file: join(ROOT, 'test/cli/unwritable-types-app.ts'),
    })
    await expect(written).rejects.toThrow(
      [
        'The types of the app cannot be written for clients:',
        'actions.tellsBranches has a type that contains itself, or more than ten levels of fields',
        'actions.tellsFunction.inner.call is a function, which no call carries',
        'actions.tellsMap.all is a Map, which no call carries',
      ].join('\n'),
    )
  }, 120_000)
})

it('an app that does not compile is refused, with what the compiler says', async () => {
  await using directory = await temporaryDirectory('broken-app')
  await writeFile(
    join(directory.path, 'tsconfig.json'),
    JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions: { types: [] } }),
  )
  await writeFile(join(directory.path, 'package.json'), '{ "type": "module" }')
  await writeFile(join(directory.path, 'app.ts'), 'export const app: number = "x"\n')
  const file = join(directory.path, 'app.ts')
  const typescript = COMPILERS['7']
  await expect(writeRouterTypes({ app: fixture, file, typescript })).rejects.toThrow(
    /^The app does not compile:\n[^\n]*app\.ts\(1,14\): error TS2322: Type 'string' is not assignable to type 'number'\.$/,
  )
  await expect(writeRouterTypes({ app: fixture, file })).rejects.toThrow('npm install --save-dev typescript')
})

/** The places of the compiler's errors in files beside each other. */
async function errorsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  await using directory = await temporaryDirectory('compare-types')
  await mkdir(directory.path, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory.path, name), text)
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { typeRoots: [join(ROOT, 'node_modules/@types')] },
    files: Object.keys(files),
    include: [],
  }
  await writeFile(join(directory.path, 'tsconfig.json'), JSON.stringify(config))
  const output = await runGuarded(process.execPath, [
    join(COMPILERS['7'], 'bin/tsc'),
    '-p',
    directory.path,
  ]).then(
    () => '',
    (error: { stdout?: string }) => error.stdout ?? 'tsc did not run',
  )
  return output.match(/[\w.-]+\(\d+(?=,)|^error .*/gm) ?? []
}
