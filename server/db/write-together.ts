import { ConnectionLost, type Lease, type Statement } from './database.ts'

/**
 * Runs writing statements in one transaction, all of them sent at once, and gives the connection back. Of each only
 * that it was committed is told; with an error, none was, or, where the connection is lost, no one knows.
 */
export async function writeTogether(lease: Lease, statements: readonly Statement[]): Promise<void> {
  const { session } = lease
  try {
    const parts = await Promise.allSettled([
      session.beginWrite(),
      ...statements.map((statement) => session.query(statement)),
      session.control('commit'),
    ])
    // The first that failed says why; those after it were refused for it.
    for (const part of parts) if (part.status === 'rejected') throw part.reason
    const committed = parts.at(-1)
    if (committed?.status !== 'fulfilled' || committed.value.command !== 'COMMIT')
      throw new ConnectionLost('Statements were not committed')
  } finally {
    lease.release()
  }
}
