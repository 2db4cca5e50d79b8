import { cp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openEmptyDatabase } from '../db/empty-database.ts'
import { runGuarded, temporaryDirectory } from '../support/guarded.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** What each branch adds to the collections. */
const LOCATION = { after: 'summary: text(),', field: 'location: text(),' }
const NOTE = { after: 'status: text(', field: 'note: text(),' }

let work: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  work = await temporaryDirectory('branches')
  for (const name of ['drizzle', 'drizzle.config.ts', 'server', 'package.json'])
    await cp(join(ROOT, name), join(work.path, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(work.path, 'node_modules'))
})
afterAll(() => work[Symbol.asyncDispose]())

/** Declares these fields, and generates on what `from` has. @returns the folder with its migrations. */
async function generate(name: string, from: string, fields: readonly (typeof NOTE)[]): Promise<string> {
  const declared = await readFile(join(ROOT, 'test/fixture/collections.ts'), 'utf8')
  const text = fields.reduce(
    (all, { after, field }) => all.replace(after, `${field}\n    ${after}`),
    declared,
  )
  await writeFile(join(work.path, 'drizzle/collections.ts'), text)
  const migrations = join(work.path, 'drizzle/migrations')
  await rm(migrations, { recursive: true, force: true })
  await cp(from, migrations, { recursive: true })
  const kit = join(ROOT, 'node_modules/drizzle-kit/bin.cjs')
  const command = ['--conditions=deputy-source', kit, 'generate', '--name', name]
  await runGuarded(process.execPath, command, { cwd: work.path })
  const folder = join(work.path, `of-${name}-${fields.length}`)
  await cp(migrations, folder, { recursive: true })
  return folder
}

it('two branches with a migration each are deployed in either order, and merged as docs/upgrading.md says', async () => {
  const [location, note] = [
    await generate('location', MIGRATIONS, [LOCATION]),
    await generate('note', MIGRATIONS, [NOTE]),
  ]
  // Merged second: it takes the other's folder, and generates its own again.
  const merged = await generate('note', location, [LOCATION, NOTE])
  const tags = (await readdir(merged))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -4))
  const last = tags.slice(-2)
  expect(last.map((tag) => tag.replace(/^\d+_/, ''))).toEqual(['location', 'note'])

  for (const [first, applied] of [
    [location, [last[1]]],
    // Its own file is known by its content, though it has another number now.
    [note, [last[0]]],
    [MIGRATIONS, last],
  ] as const) {
    await using empty = await openEmptyDatabase()
    await empty.migrate({ migrations: first, tables: TABLES })
    const options = { migrations: merged, tables: TABLES }
    expect(await empty.migrate(options)).toEqual({ applied, unknown: [] })
    expect(await empty.migrate(options)).toEqual({ applied: [], unknown: [] })
    const { rows } = await empty.database.query({
      sql: `select attname::text from pg_attribute where attname in ('location', 'note') order by 1`,
      params: [],
    })
    expect(rows.flat()).toEqual(['location', 'note'])
  }

  // Deployed beside the other, before the merge, a branch is refused.
  await using shared = await openEmptyDatabase()
  await shared.migrate({ migrations: location, tables: TABLES })
  await expect(shared.migrate({ migrations: note, tables: TABLES })).rejects.toThrow(`: ${last[0]}. Start`)
}, 120_000)
