import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { migrateEmbedded } from '../../server/db/migrate.ts'
import { openPglite } from '../../server/db/pglite.ts'
import { temporaryPath } from './guarded.ts'
import { MIGRATIONS, TABLES } from './tables.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    database:
      | { readonly kind: 'pglite'; readonly dump: string }
      | { readonly kind: 'postgres'; readonly url: string; readonly template: string }
  }
}

/** Migrates one embedded database; every test file starts from a copy of it. */
export default async function setup(project: TestProject) {
  if (!process.env.TEST_DATABASE_URL) {
    console.warn(
      '\n  *** TEST_DATABASE_URL is not set: the concurrency and fault tests on real Postgres are LEFT OUT ***\n',
    )
  }
  const directory = await temporaryPath('test')
  const database = await openPglite()
  await migrateEmbedded(database, { migrations: MIGRATIONS, tables: TABLES })
  const dump = join(directory, 'dump.tar')
  const whole = Buffer.from(await (await database.engine.dumpDataDir('none')).arrayBuffer())
  await writeFile(dump, withoutTemplates(whole))
  await database.close()
  project.provide('database', { kind: 'pglite', dump })
  return () => rm(directory, { recursive: true })
}

/** `template1` and `template0`, by the ids that they have everywhere. */
const TEMPLATES = /(?:^|\/)base\/[14]\//
const TAR_BLOCK = 512

/** Leaves out the files of the databases that nobody connects to, two in three of all: a copy is there sooner. */
function withoutTemplates(tar: Buffer): Buffer {
  const kept: Buffer[] = []
  for (let at = 0, next = 0; at < tar.length; at = next) {
    const [name, size] = [tar.toString('latin1', at, at + 100), tar.toString('latin1', at + 124, at + 136)]
    next = at + TAR_BLOCK + Math.ceil((Number.parseInt(size, 8) || 0) / TAR_BLOCK) * TAR_BLOCK
    if (!TEMPLATES.test(name)) kept.push(tar.subarray(at, next))
  }
  return Buffer.concat(kept)
}
