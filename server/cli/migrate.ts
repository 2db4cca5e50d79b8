import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { DirectoryLockError } from '../db/directory-lock.ts'
import type { DatabaseReport, MigrateOptions } from '../db/migrate.ts'
import { type DatabaseEnv, loadDotEnv, readDatabaseEnv } from '../env/environment.ts'
import { CommandError } from './command-error.ts'
import { say } from './database-command.ts'
import { loadApp } from './load-app.ts'

const DESCRIPTION = `Applies the migrations that are missing, the engine's and then the app's, with the role of
DATABASE_DIRECT_URL, or else of DATABASE_URL, and ends. A server whose role may only read and write data needs it before it starts; every other one applies them itself.`

/** Adds `deputy migrate`. */
export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .summary('apply the migrations that are missing')
    .description(DESCRIPTION)
    .option('--built', 'take them from dist/, as with NODE_ENV=production')
    .action(({ built }: { readonly built?: true }) => migrate(built))
}

async function migrate(isBuilt: true | undefined): Promise<void> {
  loadDotEnv()
  const env = readDatabaseEnv()
  const { app } = await loadApp({ isBuilt })
  const { createCatalog } = await import('../tools/catalog.ts')
  const report = await apply(env, {
    migrations: fileURLToPath(app.migrations),
    tables: [...createCatalog(app.collections).keys()],
  })
  for (const owner of ['engine', 'app'] as const) {
    const { applied, unknown } = report[owner]
    say(`${owner}: ${applied.length === 0 ? 'nothing was missing' : `applied ${applied.join(', ')}`}`)
    if (unknown.length > 0)
      say(`${owner}: the database has more than this version knows: ${unknown.join(', ')}`)
  }
}

async function apply(env: DatabaseEnv, options: MigrateOptions): Promise<DatabaseReport> {
  const { databaseUrl: url, databaseDirectUrl: directUrl, databasePooler: pooler, dataDir } = env
  if (url !== undefined) {
    const { findPooler, migrateAt } = await import('../db/database-address.ts')
    const address = { url, directUrl, pooler }
    return migrateAt(address, await findPooler(address), options)
  }
  const { migrateEmbedded } = await import('../db/migrate.ts')
  const { openPglite } = await import('../db/pglite.ts')
  const database = await openPglite({ directory: dataDir }).catch((error: unknown) => {
    if (!(error instanceof DirectoryLockError && error.isInUse)) throw error
    throw new CommandError(
      `${error.message} To start a server again is enough: at its start it applies what is missing.`,
    )
  })
  try {
    return await migrateEmbedded(database, options)
  } finally {
    await database.close()
  }
}
