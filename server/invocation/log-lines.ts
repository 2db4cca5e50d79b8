import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogLine } from '../audit/call-notes.ts'

const MAX_LOG_LINES = 100
/** Of all lines of a call together, without what each of them says of the call. */
const MAX_LOG_CHARACTERS = 20_000
/** Of a message, and of the fields beside it. */
const MAX_PART_CHARACTERS = 4_000
/** So many of the first lines are kept, whatever follows; of the others the newest. */
const FIRST_LINES = 50

interface KeptLine {
  /** As it was written; read already where it was too long to be kept so. */
  readonly line: string | LogLine
  readonly attempt: number
  readonly characters: number
}

/** Keeps what a call writes to the log, for its audit. */
export class LogLines {
  readonly #log: Logger
  /** What each line says of the call. */
  readonly #bindings: string
  readonly #kept: KeptLine[] = []
  #characters = 0
  #leftOut = 0

  /** @param log the logger of the call */
  constructor(log: Logger) {
    this.#log = log
    this.#bindings = Reflect.get(log, pino.symbols.chindingsSym)
  }

  /** Creates a logger that writes what that of the call does, and has it kept as an attempt's. */
  logOf(attempt: number): Logger {
    const stream = new KeepingStream(Reflect.get(this.#log, pino.symbols.streamSym), (line) =>
      this.#keep(line, attempt),
    )
    // As pino makes a child, but for its bindings. Children that the handler makes of it have the stream as well.
    return Object.create(this.#log, { [pino.symbols.streamSym]: { value: stream } })
  }

  /** The lines as they are kept; null where there are none. */
  get text(): string | null {
    if (this.#kept.length === 0 && this.#leftOut === 0) return null
    const lines = this.#kept
      .map(({ line, attempt }) => (typeof line === 'string' ? this.#read(line, attempt) : line))
      .filter((line) => line !== undefined)
    return JSON.stringify({ lines, leftOut: this.#leftOut + this.#kept.length - lines.length })
  }

  #keep(line: string, attempt: number): void {
    const own = line.length - this.#bindings.length
    const short = own > MAX_PART_CHARACTERS ? this.#read(line, attempt) : line
    const characters = typeof short === 'object' ? short.message.length + (short.fields?.length ?? 0) : own
    if (short === undefined) this.#leftOut += 1
    else this.#add({ line: short, attempt, characters })
  }

  #add(line: KeptLine): void {
    this.#kept.push(line)
    this.#characters += line.characters
    while (this.#kept.length > MAX_LOG_LINES || this.#characters > MAX_LOG_CHARACTERS) {
      const [gone] = this.#kept.splice(Math.min(FIRST_LINES, this.#kept.length - 2), 1)
      this.#characters -= gone?.characters ?? 0
      this.#leftOut += 1
    }
  }

  /** Reads a line without what it says of the call; undefined where it cannot be read. */
  #read(line: string, attempt: number): LogLine | undefined {
    // The fields of a line may have any names, those of its head too.
    const [head, level, time] = HEAD.exec(line) ?? []
    if (head === undefined || level === undefined || time === undefined) return undefined
    const rest = line.slice(head.length)
    const own = rest.startsWith(this.#bindings) ? rest.slice(this.#bindings.length) : rest
    try {
      const { msg = '', ...fields } = own.startsWith(',') ? JSON.parse(`{${own.slice(1)}`) : {}
      return {
        at: new Date(JSON.parse(time)),
        level: pino.levels.labels[Number(level)] ?? level,
        message: cut(typeof msg === 'string' ? msg : JSON.stringify(msg)),
        fields: Object.keys(fields).length === 0 ? null : cut(JSON.stringify(fields)),
        attempt,
      }
    } catch {
      // What the app logs may be nested more deeply than there is room for.
      return undefined
    }
  }
}

/** Passes lines on, and shows each of them to someone. */
class KeepingStream implements DestinationStream {
  readonly #stream: DestinationStream & { flush?(done: () => void): void; flushSync?(): void }
  readonly #keep: (line: string) => void

  constructor(stream: DestinationStream, keep: (line: string) => void) {
    this.#stream = stream
    this.#keep = keep
  }

  write(line: string): void {
    this.#stream.write(line)
    this.#keep(line)
  }

  flush(done: () => void): void {
    if (this.#stream.flush) this.#stream.flush(done)
    else done()
  }

  flushSync(): void {
    this.#stream.flushSync?.()
  }
}

/** How every line of the log begins. */
const HEAD = /^\{"level":(\d+),"time":(\d+|"[^"]*")/

/** A slice would hold the whole text in memory. */
function cut(text: string): string {
  if (text.length <= MAX_PART_CHARACTERS) return text
  const kept = Buffer.from(text.slice(0, MAX_PART_CHARACTERS), 'utf16le')
  return `${kept.toString('utf16le')}…`
}
