import { expect, it } from 'vitest'
import { ConnectionLost, type Database, type QueryResult, type Session } from '../../server/db/database.ts'
import { Transaction } from '../../server/db/transaction.ts'
import { giveTurnLocksBack } from '../../server/db/turn-locks.ts'

/** A session whose connection is lost, as nothing but what is sent on it shows. */
function lostSession() {
  const lost = () => Promise.reject(new ConnectionLost('A test'))
  let closings = 0
  const session: Session = {
    broken: false,
    query: lost,
    begin: async (): Promise<QueryResult> => ({ rows: [], columns: [], command: 'BEGIN' }),
    beginWrite: lost,
    control: lost,
    cancel() {},
    isWorn: false,
    start: lost,
    clean() {},
    // It takes as long as the network does.
    close: () => {
      closings += 1
      return new Promise(() => {})
    },
  }
  return { session, closings: () => closings }
}

it('nobody who waits for a turn waits for a lost connection to be closed', async () => {
  const { session, closings } = lostSession()
  await giveTurnLocksBack(session)
  expect(closings()).toBe(1)
})

it('a transaction whose ROLLBACK was not answered is over, and its connection is given back to be discarded', async () => {
  const { session, closings } = lostSession()
  let released = 0
  const lease = {
    session,
    release: () => {
      released += 1
    },
  }
  const database = { acquire: async () => lease } as unknown as Database // All that it takes.
  const transaction = await Transaction.open(database, { readOnly: false, statementTimeoutMs: 1_000 })
  await transaction.rollback()
  expect([closings(), released]).toEqual([1, 1])
})
