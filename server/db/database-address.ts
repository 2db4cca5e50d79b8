import { setTimeout as pause } from 'node:timers/promises'
import { connectionOf } from './connection-string.ts'
import { ConnectionLost, type Database, SqlError } from './database.ts'
import { type DatabaseReport, type MigrateOptions, migratePostgres, readMigrationReport } from './migrate.ts'
import { type PoolerMode, UnsuitableAddress } from './pooler-mode.ts'
import { openPostgres } from './postgres.ts'
import { recognizePooler } from './recognize-pooler.ts'

/** How a PostgreSQL server is reached. */
export interface DatabaseAddress {
  /** `postgres://user:password@host:port/database`; a pooler may be in front of it. */
  readonly url: string
  /** The same database without a pooler in transaction mode, for what needs a session. @default none is known */
  readonly directUrl?: string | undefined
  /** What is in front of it. @default auto: it is found out */
  readonly pooler?: PoolerMode | 'auto' | undefined
}

/** How often it is looked what is in front of a database that has no room for who looks. */
const MAX_LOOKS = 3
const PAUSE_MS = 700
/** Of the connection, of resources that lack, and of a server that starts or ends. */
const PASSING = /^(?:08|53|57)/

/**
 * Says what is in front of a database, as it was told or by looking.
 *
 * @throws {UnsuitableAddress} for a pooler in statement mode, and where it cannot be found out
 * @throws {SqlError | ConnectionLost} when the database cannot be reached
 */
export async function findPooler({ url, pooler = 'auto' }: DatabaseAddress): Promise<PoolerMode> {
  if (pooler !== 'auto') return pooler
  if (connectionOf(url).isPooledByTransaction) return 'transaction'
  for (let looks = 1; ; looks += 1) {
    try {
      return await recognizePooler(url)
    } catch (error) {
      if (!(error instanceof SqlError && PASSING.test(error.sqlstate))) throw error
      if (looks === MAX_LOOKS)
        throw new UnsuitableAddress(
          `It cannot be found out what is in front of the database that DATABASE_URL leads to, for which two connections are made: ${error.message}. Make room for them, and try again.`,
        )
    }
    await pause(PAUSE_MS)
  }
}

/**
 * Applies the migrations that are missing where that can be done: not through a pooler in transaction mode, where the
 * lock of those who migrate, and the settings, would belong to no one.
 *
 * @throws {MigrationError} when one is missing and cannot be applied
 * @throws {UnsuitableAddress} for a direct address that keeps no session, or leads elsewhere
 */
export async function migrateAt(
  address: DatabaseAddress,
  found: PoolerMode,
  options: MigrateOptions,
): Promise<DatabaseReport> {
  const { url, directUrl } = address
  if (directUrl !== undefined) {
    await checkDirectUrl({ url, directUrl })
    return migratePostgres(directUrl, options)
  }
  return found === 'transaction' ? readMigrationReport(url, options) : migratePostgres(url, options)
}

/** Opens a database as what is in front of it needs. Looking may be wrong, being told is not. */
export function openAt(
  { url, pooler = 'auto' }: DatabaseAddress,
  found: PoolerMode,
  options: { readonly max?: number; readonly onPoolerFound?: () => void } = {},
): Database {
  const { onPoolerFound = () => {}, ...rest } = options
  return openPostgres({ url, pooler: found, ...rest, ...(pooler === 'auto' && { onPoolerFound }) })
}

/** Both addresses of a database. */
export interface DirectAddress {
  readonly url: string
  readonly directUrl: string
}

/**
 * Checks that the direct address keeps a session and leads to the database that calls use, before anything is written
 * there. Says what is in front of it.
 *
 * @throws {UnsuitableAddress} where it does not
 * @throws {SqlError | ConnectionLost} when the database that calls use cannot be asked
 */
export async function checkDirectUrl({ url, directUrl }: DirectAddress): Promise<PoolerMode> {
  const identity = await identityOf(url)
  try {
    const found = await findPooler({ url: directUrl })
    if (found === 'transaction')
      throw new UnsuitableAddress(
        'DATABASE_DIRECT_URL leads to a pooler in transaction mode: it must lead to the database itself, or to a pooler in session mode',
      )
    if ((await identityOf(directUrl)) === identity) return found
  } catch (error) {
    if (error instanceof UnsuitableAddress)
      throw new UnsuitableAddress(error.message.replaceAll('DATABASE_URL', 'DATABASE_DIRECT_URL'))
    if (!(error instanceof SqlError || error instanceof ConnectionLost)) throw error
    throw new UnsuitableAddress(`DATABASE_DIRECT_URL: the database cannot be reached. ${error.message}`)
  }
  throw new UnsuitableAddress(
    'DATABASE_DIRECT_URL leads to another database than DATABASE_URL does: set both to addresses of one database, or take DATABASE_DIRECT_URL out',
  )
}

/** A database and the run of the server that it is on, whatever role asks. */
const IDENTITY = `
  select current_database()::text, oid::text, extract(epoch from pg_postmaster_start_time())::text
  from pg_database where datname = current_database()`

async function identityOf(url: string): Promise<string> {
  // Whatever is in front of it.
  const database = openPostgres({ url, pooler: 'transaction', max: 1 })
  try {
    return String((await database.query({ sql: IDENTITY, params: [] })).rows)
  } finally {
    await database.close()
  }
}
