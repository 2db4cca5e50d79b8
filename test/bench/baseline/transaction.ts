import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'

const MAX_TRIES = 10
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 250
const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01'])

/** Every try was refused for a conflict with another transaction. */
export class StillInConflict extends Error {
  override readonly name = 'StillInConflict'
}

/** Runs work in a SERIALIZABLE transaction, and again after a conflict, with growing pauses of random length. */
export async function serializable<T>(
  sql: postgres.Sql,
  work: (tx: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  for (let tried = 0; tried < MAX_TRIES; tried += 1) {
    try {
      // postgres.js widens the type to what awaiting an array of queries would give; this is no array.
      return (await sql.begin('isolation level serializable', work)) as T
    } catch (error) {
      if (!(error instanceof postgres.PostgresError) || !CONFLICTS.has(error.code)) throw error
    }
    await sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tried))
  }
  throw new StillInConflict(`The transaction was in conflict ${MAX_TRIES} times`)
}
