import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { makeAppFolder } from './app-folder.ts'

const app = await makeAppFolder()
afterAll(() => app[Symbol.asyncDispose]())

const users = `import { collection } from 'deputyjs/collections'
import { integer, text } from 'drizzle-orm/pg-core'
export const users = collection('users', { name: text(), email: text(), imageUrl: text(), role: text().notNull().default('member') })
`
const files = async () => (await readdir(join(app.path, 'drizzle/migrations'))).sort()

describe('deputy generate', () => {
  test('writes the first migration, and nothing where nothing is missing', async () => {
    const missing = await app.deputy(['generate', '--check'])
    expect(missing).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('A migration is missing'),
    })
    const first = await app.deputy(['generate', '--name', 'init'])
    expect(first).toEqual({
      code: 0,
      stderr: '',
      stdout:
        'Wrote drizzle/migrations/0000_init.sql (4 statements). Read it, and commit drizzle/migrations.\n',
    })
    expect(await app.deputy(['generate'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('has all that'),
    })
    expect(await files()).toEqual(['0000_init.sql', 'meta'])
  })

  test('asks nothing: it says which options tell a rename from a drop', async () => {
    await app.write(
      'drizzle/collections.ts',
      `${users}export const notes = collection('notes', { body: text().notNull(), stars: integer().notNull() })`,
    )
    const unclear = await app.deputy(['generate'])
    expect(unclear).toMatchObject({ code: 2, stdout: '' })
    expect(unclear.stderr).toContain('--rename notes.text:notes.body ')
    expect(unclear.stderr).toContain('--rename notes.text:notes.stars ')
    expect(unclear.stderr).toContain('--drop notes.text ')
    expect(await files()).toEqual(['0000_init.sql', 'meta'])

    const told = await app.deputy(['generate', '--rename', 'notes.text:body'])
    expect(told).toMatchObject({ code: 0, stderr: '' })
    expect(told.stdout).toContain('fails where "notes" has rows: give "stars" a default')
    expect(await readFile(join(app.path, 'drizzle/migrations/0001_alter_notes.sql'), 'utf8')).toBe(
      'ALTER TABLE "notes" RENAME COLUMN "text" TO "body";\n--> statement-breakpoint\nALTER TABLE "notes" ADD COLUMN "stars" integer NOT NULL;\n',
    )
  })

  test('says what is wrong with an option, and with what is not there', async () => {
    const wrong = await app.deputy(['generate', '--rename', 'notes.titel:notes.title'])
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no column "notes.titel"; columns are body, '),
    })
    const custom = await app.deputy(['generate', '--custom'])
    expect(custom).toMatchObject({ code: 2, stderr: expect.stringContaining('needs a name') })
    expect(await app.deputy(['generate', '--custom', '--name', 'triggers'])).toMatchObject({ code: 0 })
    expect(await files()).toEqual(['0000_init.sql', '0001_alter_notes.sql', '0002_triggers.sql', 'meta'])
  })
})
