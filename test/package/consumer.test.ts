import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runGuarded, temporaryPath } from '../support/guarded.ts'

const root = resolve(import.meta.dirname, '../..')
let project: string

const FRONT_END = `
import { type AppRouter, createClient, DeputyError, unwrap } from 'deputy/client'

const client = createClient({ url: 'http://127.0.0.1:3000', token: async () => 'token' })
export const router: AppRouter | undefined = undefined

export async function invite(eventId: string): Promise<string> {
  try {
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
import { createClient } from 'deputy/client'
const client = createClient({ url: 'http://127.0.0.1:3000' })
void client.actions.inviteAttendee.mutate({ eventId: 1, attendeeId: 'bob' })
void client.actions.inviteEverybody.mutate({})
void client.actions.createEvent.mutate({ title: 'x', startsAt: '2030-01-01', capacity: 1 })
`

beforeAll(async () => {
  project = await temporaryPath('consumer')
  const modules = join(project, 'node_modules')
  await mkdir(join(modules, 'deputy'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  await runGuarded(
    process.execPath,
    ['--import', 'tsx', 'server/cli/build.ts', join(modules, 'deputy/dist')],
    {
      cwd: root,
    },
  )
  await cp(join(root, 'package.json'), join(modules, 'deputy/package.json'))
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
}, 120_000)

afterAll(() => rm(project, { recursive: true }))

async function compile(source: string, moduleResolution: 'bundler' | 'nodenext'): Promise<string> {
  await writeFile(join(project, 'front.ts'), source)
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    lib: ['es2023', 'dom'],
    moduleResolution,
  }
  const compilerOptions = { ...options, module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext' }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['front.ts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return runGuarded(process.execPath, [tsc, '-p', project]).then(
    () => '',
    (error: { stdout?: string }) => error.stdout ?? 'tsc did not run',
  )
}

describe('the built client in a repository of its own', () => {
  it.each(['bundler', 'nodenext'] as const)('types a front end (%s)', async (moduleResolution) => {
    expect(await compile(FRONT_END, moduleResolution)).toBe('')
  })

  it('refuses a wrong action, a wrong field and a wrong value', async () => {
    const errors = await compile(MISTAKES, 'bundler')
    expect(errors.match(/front\.ts\(\d+/g)).toEqual(['front.ts(4', 'front.ts(5', 'front.ts(6'])
  })

  it('runs without the server’s code', async () => {
    await writeFile(
      join(project, 'run.mjs'),
      "import { createClient, unwrap } from 'deputy/client'; console.log(typeof createClient, unwrap({ success: true, data: 7 }))",
    )
    await rm(join(project, 'node_modules/deputy/dist/server'), { recursive: true })
    await rm(join(project, 'node_modules/deputy/dist/drizzle'), { recursive: true })
    const { stdout } = await runGuarded(process.execPath, ['run.mjs'], { cwd: project })
    expect(stdout.trim()).toBe('function 7')
  })
})
