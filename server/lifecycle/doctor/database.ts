import { existsSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Finding, ok, problem, warning } from '../../core/finding.ts'
import type { Database } from '../../db/database.ts'
import type { DatabaseAddress } from '../../db/database-address.ts'
import { DirectoryLockError } from '../../db/directory-lock.ts'
import type { MigrateOptions } from '../../db/migrate.ts'
import type { PgliteDatabase } from '../../db/pglite.ts'
import { LOST_IN_TRANSACTION_MODE, type PoolerMode, UnsuitableAddress } from '../../db/pooler-mode.ts'
import type { AppParts } from '../define-app.ts'
import { explainFault } from '../explain-fault.ts'
import { findServerAddress } from '../server-address.ts'

const OLDEST = 150_000
/** Tokens expire, and cursors are compared, by both clocks. */
const MAX_CLOCK_DIFFERENCE_MS = 5_000

const FACTS = `
  select current_setting('server_version'), current_setting('server_version_num')::text, current_user::text,
    (extract(epoch from clock_timestamp()) * 1000)::bigint::text,
    (has_schema_privilege('public', 'CREATE') and has_database_privilege(current_database(), 'CREATE'))::text,
    pg_is_in_recovery()::text`

/** Tables that the role may not read and write. */
const WITHOUT_RIGHTS = `
  select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and (n.nspname = 'public' and c.relname in (select * from jsonb_array_elements_text($1::text::jsonb))
      or n.nspname = 'deputy' and c.relname in ('credit_accounts', 'queue', 'idempotency_claims'))
    and not (has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'INSERT')
      and has_table_privilege(c.oid, 'UPDATE') and has_table_privilege(c.oid, 'DELETE'))
  order by 1`

/** Checks the embedded database, which it opens where no one else has it open. */
export async function* checkEmbedded(dataDir: string, parts: AppParts): AsyncGenerator<Finding, void> {
  const isMade = existsSync(join(dataDir, 'pgdata', 'PG_VERSION'))
  if (!isMade) yield ok('database', `embedded, in ${dataDir}: the first start makes it`)
  if (!existsSync(dataDir)) return
  const isWritable = await access(dataDir, constants.W_OK).then(
    () => true,
    () => false,
  )
  if (!isWritable) return yield problem('database', `DATA_DIR: this user may not write in ${dataDir}`)
  if (isMade) yield* lookInside(dataDir, parts)
}

async function* lookInside(dataDir: string, parts: AppParts): AsyncGenerator<Finding, void> {
  const { openPglite } = await import('../../db/pglite.ts')
  let database: PgliteDatabase
  try {
    database = await openPglite({ directory: dataDir })
  } catch (error) {
    const isInUse = error instanceof DirectoryLockError && error.isInUse
    return yield isInUse ? await openElsewhere(dataDir) : problem('database', whatIsWrong(error))
  }
  try {
    yield* checkOpened(database, parts)
  } finally {
    await database.close()
  }
}

/** Checks the embedded database that is open. */
export async function* checkOpened(
  database: Pick<Database, 'query' | 'location'>,
  parts: Pick<AppParts, 'migrations' | 'collections'>,
): AsyncGenerator<Finding, void> {
  const { findPendingEmbedded } = await import('../../db/migrate.ts')
  try {
    const { rows } = await database.query({ sql: FACTS, params: [] })
    const facts = readFacts(rows[0], Date.now())
    yield ok('database', `embedded PostgreSQL ${facts.version}, in ${database.location}`)
    const options = await migrationsOf(parts)
    yield await checkMigrations(() => findPendingEmbedded(database, options), facts)
  } catch (error) {
    yield problem('database', whatIsWrong(error))
  }
}

async function openElsewhere(dataDir: string): Promise<Finding> {
  const url = await findServerAddress(dataDir)
  const who = url === undefined ? 'Another process has it open' : `The server at ${url} has it open`
  return ok('database', `embedded, in ${dataDir}. ${who}, so its migrations are not looked at here`)
}

async function migrationsOf({
  migrations,
  collections,
}: Pick<AppParts, 'migrations' | 'collections'>): Promise<MigrateOptions> {
  const { createCatalog } = await import('../../tools/catalog.ts')
  return { migrations: fileURLToPath(migrations), tables: [...createCatalog(collections).keys()] }
}

/** Checks a PostgreSQL server, and how it is reached. */
export async function* checkDatabase(
  address: DatabaseAddress,
  parts: AppParts,
): AsyncGenerator<Finding, void> {
  const { findPooler, openAt } = await import('../../db/database-address.ts')
  const { findPendingMigrations } = await import('../../db/migrate.ts')
  let found: PoolerMode
  try {
    found = await findPooler({ url: address.url })
  } catch (error) {
    return yield problem(error instanceof UnsuitableAddress ? 'pooler' : 'database', whatIsWrong(error))
  }
  const database = openAt(address, found, { max: 2 })
  const migrations = await migrationsOf(parts)
  try {
    const before = Date.now()
    const { rows } = await database.query({ sql: FACTS, params: [] })
    const facts = readFacts(rows[0], (before + Date.now()) / 2)
    yield* checkFacts(database.location, facts)
    yield checkPooler(address, found)
    if (address.directUrl !== undefined) yield await checkDirect(address.url, address.directUrl)
    yield await checkMigrations(
      () => findPendingMigrations(address.directUrl ?? address.url, migrations),
      facts,
      found === 'transaction' && address.directUrl === undefined,
    )
    const lacking = await database.query({ sql: WITHOUT_RIGHTS, params: [JSON.stringify(migrations.tables)] })
    yield lacking.rows.length === 0
      ? ok('rights', `the role ${facts.role} may read and write the data`)
      : problem(
          'rights',
          `the role ${facts.role} may not read and write ${lacking.rows.join(', ')}: docs/database.md has the GRANTs`,
        )
  } catch (error) {
    yield problem('database', whatIsWrong(error))
  } finally {
    await database.close()
  }
}

interface DatabaseFacts {
  readonly version: string
  readonly versionNumber: number
  readonly role: string
  /** How far its clock is ahead of this machine's, in milliseconds. */
  readonly aheadMs: number
  readonly mayMigrate: boolean
  readonly isReadOnly: boolean
}

function readFacts(row: readonly unknown[] = [], nowMs: number): DatabaseFacts {
  const [version, versionNumber, role, clockMs, mayMigrate, isReadOnly] = row.map(String)
  return {
    version: version ?? '',
    versionNumber: Number(versionNumber),
    role: role ?? '',
    aheadMs: Math.round(Number(clockMs) - nowMs),
    mayMigrate: mayMigrate === 'true',
    isReadOnly: isReadOnly === 'true',
  }
}

function* checkFacts(location: string, facts: DatabaseFacts): Generator<Finding, void> {
  const { version, versionNumber, aheadMs, isReadOnly } = facts
  yield versionNumber < OLDEST
    ? problem('database', `${location} is PostgreSQL ${version}; it must be 15 or newer`)
    : ok('database', `PostgreSQL ${version}, ${location}`)
  if (isReadOnly)
    yield problem('database', 'it is a standby, which takes no writes: DATABASE_URL must lead to the primary')
  yield Math.abs(aheadMs) > MAX_CLOCK_DIFFERENCE_MS
    ? warning('clock', `the database is ${aheadMs} ms ahead of this machine: have both synchronised, by NTP`)
    : ok('clock', 'the same as that of the database')
}

const SAID = { none: 'none', session: 'in session mode', transaction: 'in transaction mode' } as const

function checkPooler({ pooler: said = 'auto', directUrl }: DatabaseAddress, found: PoolerMode): Finding {
  if (said !== 'auto' && said !== found) {
    const text = `DATABASE_POOLER says ${said}, and what was found is ${found}: set it to ${found}, or to auto`
    // What is done for transaction mode works everywhere.
    return said === 'transaction' ? warning('pooler', text) : problem('pooler', text)
  }
  if (found !== 'transaction') return ok('pooler', SAID[found])
  const direct =
    directUrl === undefined
      ? 'Set DATABASE_DIRECT_URL to the database itself, or use a pooler in session mode'
      : 'DATABASE_DIRECT_URL is set'
  return warning('pooler', `${SAID.transaction}: ${LOST_IN_TRANSACTION_MODE}. ${direct}`)
}

/** Whether both addresses are of one database, and the direct one keeps a session. */
async function checkDirect(url: string, directUrl: string): Promise<Finding> {
  const { checkDirectUrl } = await import('../../db/database-address.ts')
  const { connectionOf, locationOf } = await import('../../db/connection-string.ts')
  try {
    await checkDirectUrl({ url, directUrl })
    const location = locationOf(connectionOf(directUrl))
    return ok('direct', `DATABASE_DIRECT_URL leads to the same database, ${location}`)
  } catch (error) {
    return problem('direct', whatIsWrong(error))
  }
}

async function checkMigrations(
  find: () => Promise<readonly string[]>,
  { role, mayMigrate }: DatabaseFacts,
  isWithoutSession = false,
): Promise<Finding> {
  try {
    const pending = await find()
    if (pending.length === 0) return ok('migrations', 'all are applied')
    const missing = `not applied yet: ${pending.join(', ')}`
    if (isWithoutSession)
      return problem(
        'migrations',
        `${missing}. Through a pooler in transaction mode none is: set DATABASE_DIRECT_URL`,
      )
    return mayMigrate
      ? warning('migrations', `${missing}. The next start applies them, or deputy migrate`)
      : problem(
          'migrations',
          `${missing}. The role ${role} may not: run deputy migrate as the role that owns the tables`,
        )
  } catch (error) {
    return problem('migrations', whatIsWrong(error))
  }
}

function whatIsWrong(error: unknown): string {
  return explainFault(error) ?? (error instanceof Error ? error.message : String(error))
}
