import { ConnectionLost, type Lease, type QueryResult, type Statement } from './database.ts'

/** Runs one reading statement without a transaction, and gives the connection back. */
export async function readOnce(lease: Lease, statement: Statement): Promise<QueryResult> {
  try {
    return await lease.session.query(statement)
  } finally {
    lease.release()
  }
}

/** Runs one writing statement in a transaction of its own, and gives the connection back. */
export async function writeOnce(lease: Lease, statement: Statement): Promise<QueryResult> {
  const [answer] = await writeTogether(lease, [statement])
  if (!answer) throw new Error('A statement that was committed has no answer')
  return answer
}

/**
 * Runs writing statements in one transaction, all of them sent at once, and gives the connection back. With an error
 * none was committed, or, where the connection is lost, no one knows.
 */
export async function writeTogether(
  lease: Lease,
  statements: readonly Statement[],
): Promise<readonly QueryResult[]> {
  const { session } = lease
  try {
    const parts = await Promise.allSettled([
      session.beginWrite(),
      Promise.all(statements.map((statement) => session.query(statement))),
      session.control('commit'),
    ])
    // The first that failed says why; those after it were refused for it.
    for (const part of parts) if (part.status === 'rejected') throw part.reason
    const [, answers, committed] = parts
    if (
      answers.status !== 'fulfilled' ||
      committed.status !== 'fulfilled' ||
      committed.value.command !== 'COMMIT'
    )
      throw new ConnectionLost('Statements were not committed')
    return answers.value
  } finally {
    lease.release()
  }
}
