import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { makeAppFolder } from './app-folder.ts'

vi.setConfig({ testTimeout: 300_000 })

const app = await makeAppFolder()
afterAll(() => app[Symbol.asyncDispose]())

test('deputy dev makes the migration that is missing, and starts again on a change', async () => {
  const { child, output, ended } = app.start(['dev', '--migrate'], { PORT: '0' })
  const listening = async (times: number) => {
    while ((output.stdout.match(/^Deputy listens on/gm) ?? []).length < times) {
      if (child.exitCode !== null) throw new Error(output.stdout + output.stderr)
      await once(child.stdout, 'data')
    }
  }
  await listening(1)
  expect(await readdir(join(app.path, 'drizzle/migrations'))).toHaveLength(2)

  const collections = join(app.path, 'drizzle/collections.ts')
  const text = await readFile(collections, 'utf8')
  await app.write(
    'drizzle/collections.ts',
    text.replace('{ text: text().notNull() }', '{ text: text().notNull(), place: text() }'),
  )
  await listening(2)
  const [, second = ''] = (await readdir(join(app.path, 'drizzle/migrations'))).sort()
  expect(await readFile(join(app.path, 'drizzle/migrations', second), 'utf8')).toContain(
    'ADD COLUMN "place" text',
  )
  expect(output.stderr.match(/A file has changed/g)).toHaveLength(1)
  expect(output.stderr).not.toContain('The server has ended')

  // A folder that was not there when the watch began.
  await app.write('server/later/part.ts', 'export const part = 1\n')
  await listening(3)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test('deputy dev --migrate tells a mistake once, and goes on when it is mended', async () => {
  await using broken = await makeAppFolder()
  const file = 'drizzle/collections.ts'
  const text = await readFile(join(broken.path, file), 'utf8')
  await broken.write(file, `${text}\nexport const = 1\n`)
  const { child, output, ended } = broken.start(['dev', '--migrate'], { PORT: '0' })
  const told = async (stream: 'stdout' | 'stderr', part: string) => {
    while (!output[stream].includes(part)) {
      if (child.exitCode !== null) throw new Error(output.stdout + output.stderr)
      await once(child[stream], 'data')
    }
  }
  await told('stderr', 'The server is started when a file changes.')
  expect(output.stderr.match(/collections\.ts:\d+:\d+/g)).toHaveLength(1)
  expect(output).toMatchObject({ stdout: '', stderr: expect.not.stringContaining('could not start') })
  // It is looked at again, whichever file has changed.
  await broken.write('server/other.ts', 'export const other = 1\n')
  await told('stderr', 'A file has changed')
  await broken.write(file, text)
  await told('stdout', 'Deputy listens on')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})
