import postgres from 'postgres'
import { type ConnectionOptions, driverOptions, placeOf } from './connection-string.ts'
import { ConnectionLost } from './database.ts'

/**
 * Chooses among the hosts of a connection string: the first, in their order, that answers and, where it must, takes
 * writes. The choice stands until a connection closes, since its host may be gone or a standby by then; the next
 * connection has the hosts asked again, once for all that are made meanwhile.
 */
export class HostChoice {
  readonly #candidates: readonly ConnectionOptions[]
  readonly #mustWrite: boolean
  #chosen: Promise<ConnectionOptions> | undefined

  constructor(connection: ConnectionOptions) {
    this.#mustWrite = connection.mustWrite
    this.#candidates = [connection, ...connection.others].map(({ host, port }) => ({
      ...connection,
      host,
      port,
      others: [],
      mustWrite: false,
    }))
  }

  /** Gives a connection with one host. @throws {ConnectionLost} that says of each host why it cannot be used */
  choose(): Promise<ConnectionOptions> {
    if (this.#chosen) return this.#chosen
    const chosen = this.#ask()
    this.#chosen = chosen
    chosen.catch(() => this.#forget(chosen))
    return chosen
  }

  /** The hosts are asked again before the next connection. */
  reconsider(): void {
    this.#chosen = undefined
  }

  #forget(failed: Promise<ConnectionOptions>): void {
    if (this.#chosen === failed) this.#chosen = undefined
  }

  async #ask(): Promise<ConnectionOptions> {
    const [only, ...others] = this.#candidates
    // What keeps a host without an alternative from being used is told when it is connected to.
    if (only && others.length === 0) return only
    const reasons: string[] = []
    let cause: unknown
    for (const candidate of this.#candidates) {
      try {
        const isRefused = (await isStandby(candidate)) && this.#mustWrite
        if (!isRefused) return candidate
        reasons.push(`${placeOf(candidate)} is a standby, which takes no writes`)
      } catch (error) {
        cause = error
        reasons.push(`${placeOf(candidate)} failed (${codeOf(error)})`)
      }
    }
    throw new ConnectionLost(`No host of the connection string can be used: ${reasons.join('; ')}`, { cause })
  }
}

/** Whether a server only follows another one. @throws what keeps it from being asked */
async function isStandby(candidate: ConnectionOptions): Promise<boolean> {
  const client = postgres({ ...driverOptions(candidate), max: 1, onnotice: () => {} })
  try {
    const [row] = await client.unsafe('select pg_is_in_recovery()').simple().values()
    return row?.[0] === true
  } finally {
    await client.end({ timeout: 1 })
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
