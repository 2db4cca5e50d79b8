import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { inject } from 'vitest'
import { type DataFiles, readDataFiles } from '../../server/db/data-files.ts'
import { openPglite } from '../../server/db/pglite.ts'
import { openPostgres, type PostgresOptions } from '../../server/db/postgres.ts'
import type { TestDatabase } from '../../server/testing/open-test-database.ts'

export type { TestDatabase }

/** A fresh, migrated database of the kind under test, gone when disposed. */
export async function openTestDatabase(options: Omit<PostgresOptions, 'url'> = {}): Promise<TestDatabase> {
  const provided = inject('database')
  if (provided.kind === 'pglite') {
    const database = await openPglite({ files: await filesOf(provided.packed), ...options })
    await database.engine.exec('set default_transaction_read_only = on')
    return { database, url: undefined, [Symbol.asyncDispose]: () => database.close() }
  }
  const name = `${provided.template}_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  // A test waits for no disk: nothing is to outlast the machine.
  await asAdmin(
    provided.url,
    `create database ${name} template ${provided.template}`,
    `alter database ${name} set synchronous_commit = off`,
  )
  const url = new URL(provided.url)
  url.pathname = `/${name}`
  const database = openPostgres({ url: url.href, ...options })
  return {
    database,
    url: url.href,
    async [Symbol.asyncDispose]() {
      await database.close()
      // The next test need not wait; what is left is dropped at the end of the run.
      void asAdmin(provided.url, `drop database if exists ${name} with (force)`).catch(() => {})
    },
  }
}

/** By its path, what was packed for the run: read once for all tests of a process. */
const read = new Map<string, Promise<DataFiles>>()

/** The files of the embedded database that was migrated for the run. */
export function filesOf(packed: string): Promise<DataFiles> {
  const files = read.get(packed) ?? readFile(packed).then(readDataFiles)
  read.set(packed, files)
  return files
}

async function asAdmin(url: string, ...statements: readonly string[]): Promise<void> {
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  try {
    for (const statement of statements) await admin.unsafe(statement)
  } finally {
    await admin.end()
  }
}
