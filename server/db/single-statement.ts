import { ConnectionLost, type Lease, type QueryResult, type Statement } from './database.ts'

/** Runs one reading statement without a transaction, and gives the connection back. */
export async function readOnce(lease: Lease, statement: Statement): Promise<QueryResult> {
  try {
    return await lease.session.query(statement)
  } finally {
    lease.release()
  }
}

/** Runs one writing statement in a transaction of its own, all of it sent at once, and gives the connection back. */
export async function writeOnce(lease: Lease, statement: Statement): Promise<QueryResult> {
  const { session } = lease
  try {
    const [begun, answer, committed] = await Promise.allSettled([
      session.beginWrite(),
      session.query(statement),
      session.control('commit'),
    ])
    for (const part of [begun, answer, committed]) if (part.status === 'rejected') throw part.reason
    if (
      answer.status !== 'fulfilled' ||
      committed.status !== 'fulfilled' ||
      committed.value.command !== 'COMMIT'
    )
      throw new ConnectionLost('A statement was not committed')
    return answer.value
  } finally {
    lease.release()
  }
}
