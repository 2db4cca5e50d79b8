import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeAppFolder } from './app-folder.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    customConditions: ['deputy-source'],
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    // The engine is compiled by its own repository.
    noCheck: true,
  },
}

const app = await makeAppFolder({ 'tsconfig.json': JSON.stringify(TSCONFIG) })
afterAll(() => app[Symbol.asyncDispose]())
beforeAll(async () => {
  const made = await app.deputy(['generate', '--name', 'init'])
  expect(made).toMatchObject({ code: 0 })
})

describe('a command that loads the app', () => {
  test('lists the actions, by name and always the same', async () => {
    const { code, stdout, stderr } = await app.deputy(['actions'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      [
        'countNotes: reads, for owner; deadline 10000 ms, audit always, dry run by owner',
        'refuse: writes, for role editor; deadline 2000 ms, audit always, dry run by caller, 5 calls a day, 9 an hour of one user, at most 3 at once',
        'writeNote: writes, for every user; deadline 10000 ms, audit when it matters, dry run by owner, output declared, tagged notes, deprecated: Writes a note',
        '',
      ].join('\n'),
    )
    const json = await app.deputy(['actions', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject([
      { name: 'countNotes', writes: false, callers: 'owner', budget: null, output: null, tags: [] },
      { name: 'refuse', writes: true, callers: 'role editor', deadlineMs: 2_000, budget: { calls: 5 } },
      {
        name: 'writeNote',
        writes: true,
        callers: 'every user',
        summary: 'Writes a note',
        output: { type: 'object', required: ['recordId'] },
      },
    ])
  })

  test('tells of a folder without an app, and of an app that was not built', async () => {
    const built = await app.deputy(['actions', '--built'])
    expect(built).toEqual({
      code: 1,
      stdout: '',
      stderr: 'There is no dist/server/app.js to run as built. Run deputy build first.\n',
    })
    await using empty = await makeAppFolder({ 'server/app.ts': 'export const other = 1\n' })
    const none = await empty.deputy(['actions'])
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('server/app.ts exports no app') })
  })

  test('applies the migrations that are missing, and once', async () => {
    const first = await app.deputy(['migrate'])
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/^engine: applied 0000_init, .*\napp: applied 0000_init\n$/)
    const second = await app.deputy(['migrate'])
    expect(second.stdout).toBe('engine: nothing was missing\napp: nothing was missing\n')
  })

  test('builds the app, and runs what was built', async () => {
    const built = await app.deputy(['build'])
    expect(built).toMatchObject({ code: 0, stdout: expect.stringContaining('Built dist/') })
    await access(join(app.path, 'dist/server/main.js'))
    expect(await readdir(join(app.path, 'dist/drizzle/migrations'))).toEqual(['0000_init.sql', 'meta'])
    expect(await readdir(app.path)).not.toContain('tsconfig.deputy-build.json')
    const listed = await app.deputy(['actions'], { env: { NODE_ENV: 'production' } })
    expect(listed).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('writeNote: writes, for every user'),
    })
  })
})
