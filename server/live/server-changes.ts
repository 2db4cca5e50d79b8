import type { Logger } from 'pino'
import { uuidv7 } from '../core/uuid.ts'
import type { Database } from '../db/database.ts'
import { type Listener, openListener } from '../db/listener.ts'
import type { ChangedCollections, Changes } from '../invocation/changes.ts'

export interface ServerChangesOptions {
  readonly database: Pick<Database, 'query'>
  /** Tells what this server's calls have written. */
  readonly changes: Changes
  /** An address that keeps a session; undefined where there is none, and what others write is not heard. */
  readonly listenUrl: string | undefined
  /** Told what the calls of other servers have written; `all` where something may have been missed. */
  onChange(collections: ChangedCollections): void
  readonly log: Logger
  /** Milliseconds between two messages of one server. @default 50 */
  readonly tellEveryMs?: number
  /** Milliseconds between two looks whether what is told is heard. @default 30000 */
  readonly probeEveryMs?: number
}

/** What one server tells the others: who it is, and what was written; or only who it is, to hear itself. */
interface Message {
  readonly from: string
  readonly collections?: readonly string[] | 'all'
}

const CHANNEL = 'deputy_changes'
const TELL_EVERY_MS = 50
const PROBE_EVERY_MS = 30_000
const MAX_SILENCE_MS = 5_000
/** PostgreSQL takes less than 8000 bytes. */
const MAX_PAYLOAD_BYTES = 7_900

/**
 * Tells the other servers of a database which collections this one has written, and hears them: by NOTIFY, outside of
 * every transaction, since one inside would make commits wait for each other. What is lost is not sent again: whoever
 * listens looks from time to time whether there is anything that no one told.
 */
export class ServerChanges {
  readonly #options: ServerChangesOptions
  readonly #id = uuidv7()
  readonly #listener: Listener | undefined
  readonly #stopHearing: () => void
  readonly #probes: NodeJS.Timeout | undefined
  #untold: Set<string> | 'all' | undefined
  #timer: NodeJS.Timeout | undefined
  #toldAtMs = Number.NEGATIVE_INFINITY
  #telling: Promise<void> = Promise.resolve()
  #silence: NodeJS.Timeout | undefined
  #isWarned = false
  #isStopped = false

  constructor(options: ServerChangesOptions) {
    this.#options = options
    this.#stopHearing = options.changes.onChange((collections) => this.#note(collections))
    if (options.listenUrl === undefined) return
    this.#listener = openListener({
      url: options.listenUrl,
      channel: CHANNEL,
      onMessage: (payload) => this.#hear(payload),
      onListening: () => {
        options.onChange('all')
        this.#probe()
      },
      onFailure: (error) => this.#warn(error),
    })
    this.#probes = setInterval(() => this.#probe(), options.probeEveryMs ?? PROBE_EVERY_MS)
    this.#probes.unref()
  }

  /** Whether what other servers tell is heard. */
  get isListening(): boolean {
    return this.#listener?.isListening ?? false
  }

  /** Tells what is untold, and stops. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#stopHearing()
    clearInterval(this.#probes)
    clearTimeout(this.#silence)
    clearTimeout(this.#timer)
    this.#tell()
    await this.#telling
    await this.#listener?.close()
  }

  #note(collections: ChangedCollections): void {
    if (collections === 'all' || this.#untold === 'all') this.#untold = 'all'
    else {
      this.#untold ??= new Set()
      for (const collection of collections) this.#untold.add(collection)
    }
    if (this.#timer) return
    const everyMs = this.#options.tellEveryMs ?? TELL_EVERY_MS
    const waitMs = Math.max(0, this.#toldAtMs + everyMs - performance.now())
    this.#timer = setTimeout(() => this.#tell(), waitMs)
  }

  #tell(): void {
    this.#timer = undefined
    const untold = this.#untold
    if (!untold) return
    this.#untold = undefined
    this.#toldAtMs = performance.now()
    this.#send({ from: this.#id, collections: untold === 'all' ? untold : [...untold] })
  }

  #send(message: Message): void {
    const text = JSON.stringify(message)
    const payload =
      Buffer.byteLength(text) <= MAX_PAYLOAD_BYTES
        ? text
        : JSON.stringify({ from: message.from, collections: 'all' } satisfies Message)
    const sent = this.#options.database
      .query({ sql: 'select pg_notify($1::text, $2::text)', params: [CHANNEL, payload] })
      .then(
        () => {},
        // The database is away, or has no room: those who listen look by themselves.
        (error: unknown) => this.#options.log.debug({ err: error }, 'Other servers could not be told'),
      )
    this.#telling = Promise.all([this.#telling, sent]).then(() => {})
  }

  #hear(payload: string): void {
    const message = readMessage(payload)
    if (!message) return
    if (message.from === this.#id) {
      clearTimeout(this.#silence)
      this.#silence = undefined
      this.#isWarned = false
      return
    }
    const { collections } = message
    if (collections) this.#options.onChange(collections === 'all' ? collections : new Set(collections))
  }

  /** Tells itself that it is there: a connection may be dead, or a pooler's, without having said so. */
  #probe(): void {
    if (this.#isStopped || !this.#listener?.isListening || this.#silence) return
    this.#silence = setTimeout(() => {
      this.#silence = undefined
      this.#warn(new Error('What was told was not heard; is a pooler in transaction mode in between?'))
      this.#listener?.reconnect()
    }, MAX_SILENCE_MS)
    this.#silence.unref()
    this.#send({ from: this.#id })
  }

  #warn(error: unknown): void {
    if (this.#isWarned) return
    this.#isWarned = true
    this.#options.log.warn(
      { err: error },
      'Changes by other servers are not heard; live queries show them when they look by themselves',
    )
  }
}

/** Reads what another server has told; undefined for what is no such message. */
function readMessage(payload: string): Message | undefined {
  try {
    const read: unknown = JSON.parse(payload)
    if (typeof read !== 'object' || read === null || !('from' in read)) return undefined
    const { from } = read
    const collections = 'collections' in read ? read.collections : undefined
    if (typeof from !== 'string') return undefined
    if (collections === undefined || collections === 'all')
      return { from, ...(collections && { collections }) }
    // A later version may say more than this one understands.
    const isList = Array.isArray(collections) && collections.every((name) => typeof name === 'string')
    return { from, collections: isList ? collections : 'all' }
  } catch {
    return undefined
  }
}
