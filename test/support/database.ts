import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { inject } from 'vitest'
import { openPglite } from '../../server/db/pglite.ts'
import { openPostgres, type PostgresOptions } from '../../server/db/postgres.ts'
import type { TestDatabase } from '../../server/testing/open-test-database.ts'

export type { TestDatabase }

/** A fresh, migrated database of the kind under test, gone when disposed. */
export async function openTestDatabase(options: Omit<PostgresOptions, 'url'> = {}): Promise<TestDatabase> {
  const provided = inject('database')
  if (provided.kind === 'pglite') {
    const database = await openPglite({ dump: new Blob([await readFile(provided.dump)]), ...options })
    await database.engine.exec('set default_transaction_read_only = on')
    return { database, url: undefined, [Symbol.asyncDispose]: () => database.close() }
  }
  const name = `${provided.template}_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  await asAdmin(provided.url, `create database ${name} template ${provided.template}`)
  const url = new URL(provided.url)
  url.pathname = `/${name}`
  const database = openPostgres({ url: url.href, ...options })
  return {
    database,
    url: url.href,
    async [Symbol.asyncDispose]() {
      await database.close()
      await asAdmin(provided.url, `drop database if exists ${name} with (force)`)
    },
  }
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await admin.unsafe(statement)
  } finally {
    await admin.end()
  }
}
