import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runGuarded, temporaryPath } from '../support/guarded.ts'
import { COMPILERS, type Version } from '../types/compile.ts'

const root = resolve(import.meta.dirname, '../..')
let project: string

const FRONT_END = `
import { createClient, DeputyError, unwrap } from 'deputyjs/client'
import type { FixtureRouter } from './app/app.ts'

const client = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000', token: async () => 'token' })

export async function invite(eventId: string): Promise<string> {
  try {
    const launch = { title: 'Launch', startsAt: new Date(), capacity: 5, summary: undefined }
    unwrap(await client.records.events.create.mutate({ data: launch }))
    unwrap(await client.records.events.update.mutate({ recordId: eventId, patch: { summary: null } }))
    const { recordId } = unwrap(await client.actions.inviteAttendee.mutate({ eventId, attendeeId: 'bob' }))
    const page = unwrap(await client.actions.listAttendees.query({ eventId, limit: 10 }))
    const first: Date | null | undefined = page.records[0]?.createdAt
    const status: 'invited' | 'accepted' | 'declined' | undefined = page.records[0]?.data.status
    return [recordId, first?.toISOString(), status].join()
  } catch (error) {
    if (error instanceof DeputyError) return error.code ?? 'no answer'
    throw error
  }
}
`

const MISTAKES = `
import { createClient } from 'deputyjs/client'
import type { FixtureRouter } from './app/app.ts'
const client = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000' })
void client.actions.inviteAttendee.mutate({ eventId: 1, attendeeId: 'bob' })
void client.actions.inviteEverybody.mutate({})
void client.actions.createEvent.mutate({ title: 'x', startsAt: '2030-01-01', capacity: 1 })
void client.records.events.update.mutate({ recordId: 'x', patch: { titel: 'x' } })
void client.records.events.update.mutate({ recordId: 'x', patch: { attendeeCount: 5 } })
`

beforeAll(async () => {
  project = await temporaryPath('consumer')
  const modules = join(project, 'node_modules')
  await mkdir(join(modules, 'deputyjs'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  await runGuarded(
    process.execPath,
    [
      '--conditions=deputy-source',
      '--import',
      'tsx',
      'server/cli/repository/build.ts',
      join(modules, 'deputyjs/dist'),
    ],
    {
      cwd: root,
    },
  )
  await cp(join(root, 'package.json'), join(modules, 'deputyjs/package.json'))
  await cp(join(root, 'test/fixture'), join(project, 'app'), { recursive: true })
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  await writeFile(join(project, 'front.ts'), FRONT_END)
  await writeFile(join(project, 'mistakes.ts'), MISTAKES)
}, 120_000)

afterAll(() => rm(project, { recursive: true }))

async function compile(moduleResolution: 'bundler' | 'nodenext', version: Version): Promise<string> {
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    lib: ['es2023', 'dom'],
    allowImportingTsExtensions: true,
    moduleResolution,
  }
  const compilerOptions = { ...options, module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext' }
  const files = ['front.ts', 'mistakes.ts']
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const tsc = join(COMPILERS[version], 'bin/tsc')
  return runGuarded(process.execPath, [tsc, '-p', project]).then(
    () => '',
    (error: { stdout?: string }) => error.stdout ?? 'tsc did not run',
  )
}

describe('the built package in a repository of its own', () => {
  it.each([
    ['5.9', 'bundler'],
    ['6', 'bundler'],
    ['7', 'bundler'],
    ['7', 'nodenext'],
  ] as const)(
    'types an app and its front end with TypeScript %s (%s), and refuses a wrong action, field and value',
    async (version, moduleResolution) => {
      const errors = await compile(moduleResolution, version)
      expect(errors.match(/\b\w+\.ts\(\d+/g), errors).toEqual(
        [5, 6, 7, 8, 9].map((line) => `mistakes.ts(${line}`),
      )
    },
    120_000,
  )

  it('runs without the server’s code', async () => {
    await writeFile(
      join(project, 'run.mjs'),
      "import { createClient, unwrap } from 'deputyjs/client'; console.log(typeof createClient, unwrap({ success: true, data: 7 }))",
    )
    await rm(join(project, 'node_modules/deputyjs/dist/server'), { recursive: true })
    await rm(join(project, 'node_modules/deputyjs/dist/drizzle'), { recursive: true })
    const { stdout } = await runGuarded(process.execPath, ['run.mjs'], { cwd: project })
    expect(stdout.trim()).toBe('function 7')
  })
})
