import { DefinitionError } from '../core/errors.ts'
import { ConnectionLost, SqlError } from '../db/database.ts'
import { DirectoryLockError } from '../db/directory-lock.ts'
import { MigrationError } from '../db/migration-error.ts'
import { UnsuitableAddress } from '../db/pooler-mode.ts'
import { EnvError } from '../env/environment.ts'
import { CreateError } from './create-app.ts'

/** The exit code of a command that has failed. */
const FAILED = 1
/** The exit code of a command line that is not understood. */
export const WRONG_USAGE = 2

/** Why a command cannot do what it was asked for: a sentence for the person at the terminal. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = FAILED) {
    super(message)
    this.exitCode = exitCode
  }
}

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

/** What is told as it is, without a stack: it is for the person at the terminal to mend. */
const TOLD = [
  CommandError,
  CreateError,
  DefinitionError,
  DirectoryLockError,
  EnvError,
  MigrationError,
  SqlError,
  UnsuitableAddress,
]

export function exitCodeOf(error: unknown): number {
  return error instanceof CommandError ? error.exitCode : FAILED
}

/** Says why a command has failed: what is wrong and what would be right. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ConnectionLost)
    return `DATABASE_URL: the database cannot be reached. ${error.message}.`
  const told = FAULTS.get(error instanceof SqlError ? error.sqlstate : codeOf(error))
  if (told !== undefined) return told
  if (TOLD.some((type) => error instanceof type)) return error.message
  return error.stack ?? error.message
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : ''
}
