import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { migratePostgres } from '../../server/db/migrate.ts'
import { openEmptyDatabase } from '../db/empty-database.ts'
import { docSnippets } from '../support/doc-snippets.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

/**
 * A database that one role has migrated and another one may serve, both made as docs/database.md says.
 *
 * @param migrate what the migrating role does. @default migrates as for the fixture
 */
export async function openWithTwoRoles(migrate = migrateFixture) {
  const empty = await openEmptyDatabase()
  if (empty.url === undefined) throw new Error('This test needs PostgreSQL')
  const snippets = await docSnippets('database.md')
  // Roles are of the whole cluster.
  const suffix = randomUUID().slice(0, 8)
  const urlOf = (role: string) => {
    const url = new URL(empty.url ?? '')
    url.username = `${role}_${suffix}`
    return url.href
  }
  const runAs = async (url: string, text: string) => {
    const client = postgres(url, { max: 1, onnotice: () => {} })
    await client.unsafe(text).finally(() => client.end())
  }
  const runSnippet = (url: string, name: string) => {
    const text = snippets.get(name)
    if (text === undefined) throw new Error(`docs/database.md has no snippet ${name}`)
    return runAs(url, text.replaceAll(/\bapp_(?:migrator|server)\b/g, `$&_${suffix}`))
  }
  const migratorUrl = urlOf('app_migrator')
  await runSnippet(empty.url, 'two-roles')
  await runSnippet(migratorUrl, 'migrator-defaults')
  await migrate(migratorUrl, urlOf('app_server'))
  await runSnippet(migratorUrl, 'after-first-migrate')
  return {
    adminUrl: empty.url,
    migratorUrl,
    serverUrl: urlOf('app_server'),
    runAs,
    async [Symbol.asyncDispose]() {
      for (const role of ['app_server', 'app_migrator'])
        await runAs(empty.url ?? '', `drop owned by ${role}_${suffix} cascade; drop role ${role}_${suffix}`)
      await empty[Symbol.asyncDispose]()
    },
  }
}

async function migrateFixture(migratorUrl: string, _serverUrl: string): Promise<void> {
  await migratePostgres(migratorUrl, { migrations: MIGRATIONS, tables: TABLES })
}
