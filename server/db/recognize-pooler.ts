import { connectionOf } from './connection-string.ts'
import { ConnectionLost } from './database.ts'
import { HostChoice } from './host-choice.ts'
import { type PoolerMode, UnsuitableAddress } from './pooler-mode.ts'
import { PostgresConnection } from './postgres-connection.ts'

const PATIENCE_MS = 3_000
const ANSWER_TIMEOUT_MS = 10_000
/** A pooler gives the backend that was used last to the next who asks, unless another was quicker. */
const ROUNDS = 3
const ASK = 'select pg_backend_pid()'

/**
 * Finds out what is in front of a database, and sets nothing there. While no one else is there, both statements of a
 * connection land on the same backend also in transaction mode, so another connection takes it in between with an open
 * transaction. It can be missed where many others are there; the BEGIN of every transaction notices it then.
 *
 * @throws {UnsuitableAddress} for one in statement mode
 * @throws {SqlError | ConnectionLost} when the database cannot be asked
 */
export async function recognizePooler(url: string): Promise<PoolerMode> {
  const connection = connectionOf(url)
  const hosts = connection.others.length > 0 ? new HostChoice(connection) : undefined
  const connect = () => new PostgresConnection({ connection, hosts, answerTimeoutMs: ANSWER_TIMEOUT_MS })
  const [watched, taking] = [connect(), connect()]
  try {
    const own = await backendOf(watched)
    for (let round = 0; round < ROUNDS; round += 1) {
      // A pooler in session mode with room for one has no backend for the other.
      const taken = await inTime(hold(watched, taking))
      const now = await inTime(backendOf(watched))
      // In transaction mode the watched one would have come to wait behind the other.
      if (taken === undefined && now === own) break
      // Having to wait for a backend, or having another one.
      if (taken === own || now !== own) return 'transaction'
      await taking.send('rollback')
    }
    // A pooler names itself, and not the backend, as whom to cancel.
    return watched.backend?.pid === own ? 'none' : 'session'
  } finally {
    for (const connection of [watched, taking]) {
      connection.lose()
      void connection.close()
    }
  }
}

async function hold(watched: PostgresConnection, taking: PostgresConnection): Promise<unknown> {
  try {
    const { rows } = await taking.send(`begin read only; ${ASK}`)
    return rows[0]?.[0]
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
    // The database is still there.
    await backendOf(watched)
    throw new UnsuitableAddress(
      'DATABASE_URL leads to a pooler in statement mode, which closes a connection on which a transaction begins: no call could be a transaction. Set pool_mode = transaction or session for it, or let DATABASE_URL lead to the database itself.',
    )
  }
}

async function backendOf(connection: PostgresConnection): Promise<unknown> {
  const { rows } = await connection.send(ASK)
  return rows[0]?.[0]
}

/** @returns undefined when there is no answer in time. */
async function inTime(answer: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, undefined)
  })
  answer.catch(() => {})
  return Promise.race([answer, timeout]).finally(() => clearTimeout(timer))
}
