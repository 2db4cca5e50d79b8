import { once } from 'node:events'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { makeAppFolder } from './app-folder.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 })

const app = await makeAppFolder()
afterAll(() => app[Symbol.asyncDispose]())
beforeAll(async () => {
  await app.write(
    'server/schedules.ts',
    `import { defineSchedules } from 'deputyjs'
import { writeNote } from './actions.ts'
export const schedules = defineSchedules({
  nightly: { cron: '0 3 * * *', timeZone: 'Europe/Paris', action: writeNote, input: { text: 'at night' } },
  often: { every: { hours: 12 }, action: writeNote, input: { text: 'often' } },
})
`,
  )
  await app.write(
    'server/app.ts',
    `import { defineApp } from 'deputyjs'
import * as collections from '../drizzle/collections.ts'
import * as actions from './actions.ts'
import { schedules } from './schedules.ts'
export const app = defineApp({ collections, actions, schedules, migrations: new URL('../drizzle/migrations', import.meta.url) })
`,
  )
  expect(await app.deputy(['generate', '--name', 'init'])).toMatchObject({ code: 0 })
})

const list = async () => {
  const { code, stdout } = await app.deputy(['schedules', 'list'])
  expect(code).toBe(0)
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'))
}

test('deputy schedules says that there are none before a server has started with them', async () => {
  expect(await app.deputy(['schedules', 'list'])).toEqual({
    code: 0,
    stdout: '',
    stderr: 'No server has started with a schedule.\n',
  })
})

test('deputy schedules lists, pauses, resumes and runs, with a server and without', async () => {
  const server = app.start(['start'], { PORT: '0', LOG_LEVEL: 'silent' })
  while (!server.output.stdout.includes('listens on')) {
    if (server.child.exitCode !== null) throw new Error(server.output.stdout + server.output.stderr)
    await once(server.child.stdout, 'data')
  }
  try {
    expect(await list()).toEqual([
      [
        'nightly',
        '0 3 * * *',
        'Europe/Paris',
        expect.stringMatching(/T0[12]:00:00\.000Z$/),
        '',
        '',
        'writeNote',
        '',
        '',
      ],
      [
        'often',
        'every 12 hours',
        '',
        expect.stringMatching(/T(00|12):00:00\.000Z$/),
        '',
        '',
        'writeNote',
        '',
        '',
      ],
    ])
    const ran = await app.deputy(['schedules', 'run', 'nightly'])
    expect(ran).toEqual({
      code: 0,
      stdout: 'nightly has a job that is done as soon as it is its turn.\n',
      stderr: '',
    })
    await expect.poll(async () => (await list())[0]?.[5], { timeout: 30_000 }).toBe('done')
    expect((await list())[0]?.[7]).toMatch(/^nightly:now:/)
  } finally {
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  }
  expect(await app.deputy(['schedules', 'pause', 'often'])).toMatchObject({ stdout: 'often is paused.\n' })
  expect((await list())[1]?.[3]).toBe('paused')
  expect(await app.deputy(['schedules', 'resume', 'often'])).toMatchObject({ stdout: 'often goes on.\n' })
  expect((await list())[1]?.[3]).toMatch(/Z$/)
  expect(await app.deputy(['schedules', 'run', 'no-such'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('There is no schedule "no-such"'),
  })
})
