import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AppFolder, makeAppFolder } from '../cli/app-folder.ts'
import { openEmptyDatabase } from '../db/empty-database.ts'

interface Index {
  readonly entries: readonly { readonly tag: string }[]
}

let app: AppFolder
beforeAll(async () => {
  app = await makeAppFolder()
})
afterAll(() => app[Symbol.asyncDispose]())

const folderOf = (branch: string) => join(app.path, branch)
const indexOf = (branch: string) => join(folderOf(branch), 'meta/_journal.json')
const readIndex = async (branch: string): Promise<Index> =>
  JSON.parse(await readFile(indexOf(branch), 'utf8'))

/** Declares these fields of notes, and runs `deputy generate` on what a branch has. */
async function generate(from: string | undefined, branch: string, fields: string, ...args: string[]) {
  await app.write(
    'drizzle/collections.ts',
    `import { collection } from 'deputyjs/collections'
     import { text } from 'drizzle-orm/pg-core'
     export const notes = collection('notes', { text: text().notNull(), ${fields} })`,
  )
  const migrations = join(app.path, 'drizzle/migrations')
  await rm(migrations, { recursive: true, force: true })
  if (from !== undefined) await cp(folderOf(from), migrations, { recursive: true })
  const ended = await app.deputy(['generate', ...args])
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  await cp(migrations, folderOf(branch), { recursive: true })
  return ended
}

/** What a merge of two branches has, with the entries of both in the order in which they were merged. */
async function merge(branch: string, one: string, other: string): Promise<void> {
  for (const from of [one, other]) await cp(folderOf(from), folderOf(branch), { recursive: true })
  const [first, second] = [await readIndex(one), await readIndex(other)]
  const entries = [...first.entries, ...second.entries.slice(-1)]
  await writeFile(indexOf(branch), JSON.stringify({ ...first, entries }))
}

it('two branches with a migration each are merged and deployed in either order', async () => {
  await generate(undefined, 'main', '', '--name', 'init')
  await generate('main', 'location', 'location: text()', '--name', 'location')
  await generate('main', 'color', 'color: text()', '--name', 'color')
  expect(await readdir(folderOf('color'))).toEqual(['0000_init.sql', '0001_color.sql', 'meta'])

  for (const [first, second] of [
    ['location', 'color'],
    ['color', 'location'],
  ] as const) {
    const merged = `${first}-${second}`
    await merge(merged, first, second)
    const both = 'location: text(), color: text()'
    expect((await generate(merged, `${merged}-checked`, both, '--check')).stdout).toContain('has all that')
    for (const deployed of ['main', first, second]) {
      await using empty = await openEmptyDatabase()
      const options = (branch: string) => ({ migrations: folderOf(branch), tables: ['notes'] })
      await empty.migrate(options(deployed))
      const missing = [first, second].filter((branch) => branch !== deployed)
      const applied = missing.map((branch) => `0001_${branch}`)
      expect(await empty.migrate(options(merged))).toEqual({ applied, unknown: [] })
      expect(await empty.migrate(options(merged))).toEqual({ applied: [], unknown: [] })
      const { rows } = await empty.database.query({
        sql: `select attname::text from pg_attribute where attname in ('location', 'color') order by 1`,
        params: [],
      })
      expect(rows.flat()).toEqual(['color', 'location'])
      // The other branch, without the merge, does not know what is there.
      await expect(empty.migrate(options('main'))).rejects.toThrow(/: 0001_\w+, 0001_\w+\. Start the version/)
    }
  }
}, 120_000)
