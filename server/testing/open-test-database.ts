import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { connectionOf, driverOptions } from '../db/connection-string.ts'
import { type DataFiles, packData, readDataFiles } from '../db/data-files.ts'
import type { Database } from '../db/database.ts'
import { migrateEmbedded, migratePostgres } from '../db/migrate.ts'
import { openPglite, type PgliteDatabase } from '../db/pglite.ts'
import { openPostgres, type PostgresOptions } from '../db/postgres.ts'

/** A fresh database, gone when it is disposed. */
export interface TestDatabase extends AsyncDisposable {
  readonly database: Database
  /** Its own address, on PostgreSQL. */
  readonly url: string | undefined
}

/** What a database is brought up to. */
export interface TestTables {
  /** The folder of the app's migrations. */
  readonly migrations: string
  /** The tables of its collections. */
  readonly tables: readonly string[]
}

/** Opens a fresh database for one test: embedded, or, given a server's address, one that is made and dropped there. */
export async function openTestDatabase(
  app: TestTables,
  serverUrl: string | undefined,
  pool: Omit<PostgresOptions, 'url'> = {},
): Promise<TestDatabase> {
  return serverUrl === undefined ? openEmbedded(app) : openOnServer(app, serverUrl, pool)
}

/** An embedded database with an app's tables, to be copied. */
interface Migrated {
  readonly files: DataFiles
  /** The database itself, for the first test that asks: most files of tests open one. */
  itself: PgliteDatabase | undefined
}

/** By the folder of the migrations. */
const migrated = new Map<string, Promise<Migrated>>()

async function openEmbedded(app: TestTables): Promise<TestDatabase> {
  const making = migrated.get(app.migrations) ?? migrate(app)
  migrated.set(app.migrations, making)
  const made = await making
  const { files, itself } = made
  made.itself = undefined
  const database = itself ?? (await openPglite({ files }))
  await database.engine.exec('set default_transaction_read_only = on')
  return { database, url: undefined, [Symbol.asyncDispose]: () => database.close() }
}

async function migrate(app: TestTables): Promise<Migrated> {
  const database = await openPglite()
  try {
    await migrateEmbedded(database, app)
    // Nothing that the migrations have set is left to whom it is given, nor is a role that may not have it packed.
    await database.engine.exec('discard all')
    const files = readDataFiles(await packData(database.engine))
    return { files, itself: database }
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openOnServer(
  app: TestTables,
  serverUrl: string,
  pool: Omit<PostgresOptions, 'url'>,
): Promise<TestDatabase> {
  const name = `deputy_test_${randomUUID().replaceAll('-', '')}`
  // A test waits for no disk: nothing is to outlast the machine.
  await asAdmin(serverUrl, `create database ${name}`, `alter database ${name} set synchronous_commit = off`)
  const drop = () => asAdmin(serverUrl, `drop database if exists ${name} with (force)`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  try {
    await migratePostgres(url.href, app)
  } catch (error) {
    await drop()
    throw error
  }
  const database = openPostgres({ url: url.href, ...pool })
  return {
    database,
    url: url.href,
    async [Symbol.asyncDispose]() {
      await database.close()
      await drop()
    },
  }
}

async function asAdmin(url: string, ...statements: readonly string[]): Promise<void> {
  const admin = postgres({ ...driverOptions(connectionOf(url)), max: 1, onnotice: () => {} })
  try {
    for (const statement of statements) await admin.unsafe(statement)
  } finally {
    await admin.end()
  }
}
