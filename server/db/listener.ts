import { connectionOf } from './connection-string.ts'
import { HostChoice } from './host-choice.ts'
import { PostgresConnection } from './postgres-connection.ts'

export interface ListenerOptions {
  /** An address that keeps a session: no pooler in transaction mode. */
  readonly url: string
  /** What is listened to: a name of lower-case letters and underscores. */
  readonly channel: string
  onMessage(payload: string): void
  /** It listens, at first or again: what was told before that was missed. */
  onListening(): void
  /** It does not, and tries to. */
  onFailure(error: unknown): void
  /** Milliseconds until it is tried again, at first; each failure doubles them, up to 20 times as long. @default 500 */
  readonly retryMs?: number
}

/** Listens to what sessions of a database notify each other of. */
export interface Listener {
  readonly isListening: boolean
  /** Drops the connection, which may be dead without having said so, and makes another one. */
  reconnect(): void
  close(): Promise<void>
}

const RETRY_MS = 500
const MAX_RETRY_FACTOR = 20
const ANSWER_TIMEOUT_MS = 10_000
const CHANNEL = /^[a-z_]+$/

/** Listens on a connection of its own, which it makes again whenever that is lost. Never throws. */
export function openListener(options: ListenerOptions): Listener {
  if (!CHANNEL.test(options.channel)) throw new TypeError(`"${options.channel}" is no name of a channel`)
  return new ReconnectingListener(options)
}

class ReconnectingListener implements Listener {
  readonly #options: ListenerOptions
  #connection: PostgresConnection | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #isListening = false
  #isClosed = false

  constructor(options: ListenerOptions) {
    this.#options = options
    void this.#connect()
  }

  get isListening(): boolean {
    return this.#isListening
  }

  reconnect(): void {
    this.#connection?.lose()
    if (this.#connection) this.#lost(this.#connection, new Error('The connection was given up'))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#isListening = false
    clearTimeout(this.#timer)
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close()
  }

  async #connect(): Promise<void> {
    const connection = this.#open()
    this.#connection = connection
    try {
      await connection.send(`listen ${this.#options.channel}`)
    } catch (error) {
      this.#lost(connection, error)
      return
    }
    if (this.#connection !== connection) return
    this.#failures = 0
    this.#isListening = true
    this.#options.onListening()
  }

  #open(): PostgresConnection {
    const connection = connectionOf(this.#options.url)
    const opened: PostgresConnection = new PostgresConnection({
      connection,
      hosts: connection.others.length > 0 ? new HostChoice(connection) : undefined,
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
      onNotify: (_channel, payload) => this.#options.onMessage(payload),
      onClose: () => this.#lost(opened, new Error('The connection was closed')),
    })
    return opened
  }

  /** Each connection is lost once, whoever says so first. */
  #lost(connection: PostgresConnection, error: unknown): void {
    if (this.#isClosed || this.#connection !== connection) return
    this.#connection = undefined
    this.#isListening = false
    void connection.close().catch(() => {})
    this.#options.onFailure(error)
    const { retryMs = RETRY_MS } = this.#options
    const delayMs = retryMs * Math.min(MAX_RETRY_FACTOR, 2 ** this.#failures)
    this.#failures += 1
    this.#timer = setTimeout(() => void this.#connect(), delayMs * (0.5 + Math.random() / 2))
    this.#timer.unref()
  }
}
