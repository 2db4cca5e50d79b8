import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { packData } from '../../server/db/data-files.ts'
import { migrateEmbedded } from '../../server/db/migrate.ts'
import { openPglite } from '../../server/db/pglite.ts'
import { temporaryPath } from './guarded.ts'
import { MIGRATIONS, TABLES } from './tables.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    database:
      | { readonly kind: 'pglite'; readonly packed: string }
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
  const packed = join(directory, 'data.tar')
  await writeFile(packed, await packData(database.engine))
  await database.close()
  project.provide('database', { kind: 'pglite', packed })
  return () => rm(directory, { recursive: true })
}
