import { ConnectionLost, type Lease, SqlError } from './database.ts'

const PATIENCE_MS = 3_000
/** A pooler gives the backend that was used last to the next who asks, unless another was quicker. */
const ROUNDS = 3

/** What is in front of a database that does not keep one backend for one connection. */
export class UnsuitablePooler extends Error {
  override readonly name = 'UnsuitablePooler'
}

const WHAT_TO_DO =
  'Deputy needs one backend for one connection: set pool_mode = session for it, use the session port of your host, or let DATABASE_URL lead to the database itself.'

/**
 * Finds out whether a pooler hands one connection's statements to several backends. While no one else is there, both
 * statements of a connection land on the same one, so another connection takes it in between with an open transaction.
 *
 * @throws {UnsuitablePooler} when it does.
 */
export async function refuseUnsuitablePooler(acquire: () => Promise<Lease>): Promise<void> {
  const leases: Lease[] = []
  try {
    const watched = await acquire()
    leases.push(watched)
    const taking = await acquire()
    leases.push(taking)
    const before = await backendOf(watched)
    for (let round = 0; round < ROUNDS; round += 1) {
      // A pooler in session mode with room for one has no backend for the other.
      if (!(await answersInTime(hold(watched, taking)))) return
      const after = await within(backendOf(watched))
      if (after !== before)
        throw unsuitable('transaction', 'two statements of one connection ran in two backends')
      await taking.session.control('rollback')
    }
  } catch (error) {
    throw explain(error)
  } finally {
    for (const lease of leases) {
      // Their state is not known where this has failed, and a server that starts has time for a new connection.
      void lease.session.close()
      lease.release()
    }
  }
}

async function hold(watched: Lease, { session }: Lease): Promise<void> {
  try {
    await session.beginWrite()
    await session.query({ sql: 'select pg_backend_pid()', params: [] })
  } catch (error) {
    if (!(error instanceof ConnectionLost && /\(CONNECTION_CLOSED\)/.test(error.message))) throw error
    // The database is still there.
    await backendOf(watched)
    throw unsuitable('statement', 'it closes a connection on which a transaction begins')
  }
}

async function backendOf({ session }: Lease): Promise<unknown> {
  const { rows } = await session.query({ sql: 'select pg_backend_pid()', params: [] })
  return rows[0]?.[0]
}

/** Its backend may be the other's by now: then it waits for one. */
function within<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          unsuitable(
            'transaction',
            'a connection had to wait for a backend while another one had a transaction open',
          ),
        ),
      PATIENCE_MS,
    )
  })
  answer.catch(() => {})
  return Promise.race([answer, timeout]).finally(() => clearTimeout(timer))
}

async function answersInTime(answer: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, false)
  })
  answer.catch(() => {})
  return Promise.race([answer.then(() => true as const), timeout]).finally(() => clearTimeout(timer))
}

function explain(error: unknown): unknown {
  // A backend without this connection's settings: only a pooler has such.
  if (error instanceof SqlError && ['42704', '26000'].includes(error.sqlstate))
    return unsuitable(
      'transaction or statement',
      'a statement ran in a backend without the settings of its connection',
    )
  if (
    error instanceof ConnectionLost &&
    /backend whose settings|not there when it was read/.test(error.message)
  )
    return unsuitable(
      'transaction or statement',
      'a statement ran in a backend with the settings of another connection',
    )
  return error
}

function unsuitable(mode: string, found: string): UnsuitablePooler {
  return new UnsuitablePooler(`DATABASE_URL leads to a pooler in ${mode} mode: ${found}. ${WHAT_TO_DO}`)
}
