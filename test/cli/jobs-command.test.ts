import { once } from 'node:events'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { makeAppFolder } from './app-folder.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 })

const app = await makeAppFolder({
  'server/deputy.ts': `import * as deputy from 'deputyjs'
import type * as collections from '../drizzle/collections.ts'
export const { action, ownerAction, roleAction, internalAction } = deputy.createBuilders<{ collections: typeof collections }>()
`,
  'server/actions.ts': `import { fail, ok } from 'deputyjs'
import { z } from 'zod'
import { action, internalAction } from './deputy.ts'
export const tell = internalAction.input(z.strictObject({ at: z.date().optional() }))
  .mutation(async ({ ctx, input }) => ok({ userId: ctx.userId, source: ctx.source, isDate: input.at instanceof Date }))
export const keep = internalAction.input(z.strictObject({ text: z.string() }))
  .mutation(async ({ ctx, input }) => input.text === 'no' ? fail('CONFLICT', 'Never.') : ctx.tools.create('notes', input))
export const plan = action.input(z.strictObject({ text: z.string() }))
  .mutation(({ ctx, input }) => ctx.tools.later(keep, input, { delayMs: 3_600_000 }))
`,
})
afterAll(() => app[Symbol.asyncDispose]())
beforeAll(async () => {
  expect(await app.deputy(['generate', '--name', 'init'])).toMatchObject({ code: 0 })
})

async function planned(text: string): Promise<string> {
  const { stdout } = await app.deputy(['call', 'plan', JSON.stringify({ text }), '--as', 'ada'])
  return JSON.parse(stdout).data.jobId
}

test('deputy jobs lists, shows, retries and cancels', async () => {
  expect(await app.deputy(['jobs', 'list'])).toEqual({
    code: 0,
    stdout: '',
    stderr: 'There is no such job.\n',
  })
  const id = await planned('Hello')
  const listed = await app.deputy(['jobs', 'list', '--state', 'waiting', '--action', 'keep'])
  const fields = listed.stdout.trimEnd().split('\t')
  expect(fields).toEqual([
    id,
    'waiting',
    expect.stringMatching(/Z$/),
    expect.stringMatching(/Z$/),
    '0',
    'keep',
    'caller',
    'ada',
  ])
  const shown = await app.deputy(['jobs', 'show', id])
  expect(JSON.parse(shown.stdout)).toMatchObject({ id, input: { text: 'Hello' }, queuedBy: 'plan' })
  expect(await app.deputy(['jobs', 'retry', id])).toMatchObject({
    code: 0,
    stdout: `${id} is queued to be run now.\n`,
  })
  const due = JSON.parse((await app.deputy(['jobs', 'show', id])).stdout).dueAt
  expect(Date.parse(due)).toBeLessThanOrEqual(Date.now())
  expect(await app.deputy(['jobs', 'cancel', id])).toMatchObject({ code: 0, stdout: `${id} is canceled.\n` })
  for (const verb of ['show', 'retry', 'cancel'])
    expect(await app.deputy(['jobs', verb, id])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`There is no job "${id}"`),
    })
  expect(await app.deputy(['jobs', 'list', '--state', 'dead'])).toMatchObject({ code: 2 })
})

test('deputy call runs an internal action as no one or as the owner, by a command', async () => {
  const call = async (...args: string[]) => {
    const { code, stdout, stderr } = await app.deputy(['call', ...args])
    return { code, stderr, result: stdout === '' ? undefined : JSON.parse(stdout) }
  }
  expect(await call('tell', '{"at":"2030-01-01T18:00:00Z"}')).toMatchObject({
    code: 0,
    result: { data: { userId: null, source: 'command', isDate: true } },
  })
  expect(await call('tell', '--as', 'owner')).toMatchObject({ result: { data: { userId: 'owner' } } })
  expect(await call('tell', '--as', 'ada')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('as no one, or as the app'),
  })
  const note = ['keep', '{"text":"one"}', '--idempotency-key', 'k']
  const first = await call(...note)
  expect(first).toMatchObject({ code: 0, result: { success: true } })
  expect(await call(...note)).toEqual(first)
  expect(await call('keep', '{"text":"no"}')).toMatchObject({ code: 1, result: { code: 'CONFLICT' } })
  expect(await call('keep', '{"text":"dry"}', '--dry-run', '--as', 'owner')).toMatchObject({
    result: { data: { dryRun: { outcome: 'would commit' } } },
  })
  expect(await call('plan', '{"text":"x"}')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Say who calls'),
  })
})

test('no server is asked for an internal action', async () => {
  const { child, output, ended } = app.start(['start'], { PORT: '0', LOG_LEVEL: 'silent' })
  while (!output.stdout.includes('listens on')) {
    if (child.exitCode !== null) throw new Error(output.stdout + output.stderr)
    await once(child.stdout, 'data')
  }
  expect(await app.deputy(['call', 'tell'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('stop it first'),
  })
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})
