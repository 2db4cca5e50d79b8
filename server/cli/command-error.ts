import { explainFault } from '../lifecycle/explain-fault.ts'
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

export function exitCodeOf(error: unknown): number {
  return error instanceof CommandError ? error.exitCode : FAILED
}

/** Says why a command has failed: what is wrong and what would be right. */
export function explain(error: unknown): string {
  if (error instanceof CommandError || error instanceof CreateError) return error.message
  return explainFault(error) ?? (error instanceof Error ? (error.stack ?? error.message) : String(error))
}
