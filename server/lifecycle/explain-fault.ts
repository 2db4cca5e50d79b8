import { DefinitionError } from '../core/errors.ts'
import { ConnectionLost, SqlError } from '../db/database.ts'
import { DirectoryLockError } from '../db/directory-lock.ts'
import { MigrationError } from '../db/migration-error.ts'
import { UnsuitableAddress } from '../db/pooler-mode.ts'
import { EnvError } from '../env/environment.ts'

const UNREACHABLE = 'DATABASE_URL: the database cannot be reached. Is it running, and is the address right?'

/** By SQLSTATE, or the code of the system. */
const FAULTS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', UNREACHABLE],
  ['ENOTFOUND', UNREACHABLE],
  ['CONNECT_TIMEOUT', UNREACHABLE],
  ['28000', 'DATABASE_URL: the database refused the user or the password.'],
  ['28P01', 'DATABASE_URL: the database refused the user or the password.'],
  ['3D000', 'DATABASE_URL: there is no such database.'],
])

/** What says itself what is wrong. */
const TOLD = [DefinitionError, DirectoryLockError, EnvError, MigrationError, SqlError, UnsuitableAddress]

/**
 * Says what is wrong with what a server needs, and what would be right.
 *
 * @returns undefined for an error that no one expected.
 */
export function explainFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ConnectionLost)
    return `DATABASE_URL: the database cannot be reached. ${error.message}.`
  const told = FAULTS.get(error instanceof SqlError ? error.sqlstate : codeOf(error))
  if (told !== undefined) return told
  return TOLD.some((type) => error instanceof type) ? error.message : undefined
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : ''
}
