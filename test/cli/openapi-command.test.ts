import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { makeAppFolder } from './app-folder.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const app = await makeAppFolder()
afterAll(() => app[Symbol.asyncDispose]())

const ODD = `import { ok } from 'deputyjs'
import { z } from 'zod'
import { action } from './deputy.ts'
export const odd = action.input(z.strictObject({ at: z.custom() })).query(async () => ok(1))
`
const ODD_APP = `import { defineApp } from 'deputyjs'
import * as collections from '../drizzle/collections.ts'
import * as actions from './odd.ts'
export const app = defineApp({ collections, actions, migrations: new URL('../drizzle/migrations', import.meta.url) })
`

test('prints the document, always the same, without a database', async () => {
  const [one, two] = [await app.deputy(['openapi']), await app.deputy(['openapi', '--strict'])]
  expect(one).toMatchObject({ code: 0, stderr: '' })
  expect(two).toEqual(one)
  expect(JSON.parse(one.stdout).paths['/api/actions/writeNote'].post).toMatchObject({
    summary: 'Writes a note',
    tags: ['notes'],
    deprecated: true,
  })
})

test('lists what breaks clients of an older document', async () => {
  const { stdout } = await app.deputy(['openapi'])
  const file = join(app.path, 'before.json')
  await writeFile(file, stdout)
  expect(await app.deputy(['openapi', '--against', file])).toEqual({ code: 0, stdout: '', stderr: '' })
  await writeFile(
    file,
    stdout
      .replaceAll('/api/actions/refuse', '/api/actions/gone')
      .replace('"maxLength": 100', '"maxLength": 200'),
  )
  expect(await app.deputy(['openapi', '--against', file])).toEqual({
    code: 1,
    stdout:
      'POST /api/actions/gone: is gone\nPOST /api/actions/writeNote: input no longer takes text: maxLength 200\n',
    stderr: '',
  })
  for (const text of ['no json', '[]', '{}']) {
    await writeFile(file, text)
    expect(await app.deputy(['openapi', '--against', file])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is no OpenAPI document: it must be JSON with paths.'),
    })
  }
  await writeFile(
    file,
    stdout.replaceAll('#/components/schemas/input.writeNote', '#/components/schemas/none'),
  )
  expect(await app.deputy(['openapi', '--against', file])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'cannot be compared: the reference #/components/schemas/none leads nowhere.',
    ),
  })
  expect(await app.deputy(['openapi', '--against', 'none.json'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('none.json cannot be read'),
  })
})

test('refuses, when it is strict, what cannot be described; and so does the start', async () => {
  await using odd = await makeAppFolder({ 'server/odd.ts': ODD, 'server/app.ts': ODD_APP })
  expect(await odd.deputy(['openapi'])).toMatchObject({ code: 0 })
  const told = 'The OpenAPI document says nothing of the input of action "odd" at at: what z.custom takes'
  expect(await odd.deputy(['openapi', '--strict'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(told),
  })
  expect(await odd.deputy(['generate', '--name', 'init'])).toMatchObject({ code: 0 })
  const started = await odd.deputy(['start', '--strict'], { env: { PORT: '0' } })
  expect(started).toMatchObject({ code: 1, stderr: expect.stringContaining(told) })
})
