import { type Logger, pino } from 'pino'
import { isoText } from '../wire/scalars.ts'

export interface LogOptions {
  readonly level: string
  /** A file descriptor, or the path of a file. @default standard output */
  readonly destination?: number | string
  /** What turns lines into what a person reads, and writes them. @default lines of JSON go to the destination */
  readonly printer?: LinePrinter | undefined
}

/** Writes lines of JSON as text for a person. */
export interface LinePrinter {
  write(lines: string): void
}

const STDOUT = 1
/** More than this is written at once. */
const MAX_HELD = 8 * 1024

/**
 * The server's log: a line of JSON for each call. Lines of one turn of the event loop are written together, since each
 * write costs as much as all else of a line; what is held at the end of the process is written then.
 */
export function createLog({ level, destination = STDOUT, printer }: LogOptions): Logger {
  const file = printer ? undefined : pino.destination({ dest: destination, sync: true })
  const sink: LinePrinter | undefined = printer ?? file
  let held = ''
  let isDue = false
  const release = () => {
    const lines = held
    held = ''
    if (lines !== '') sink?.write(lines)
  }
  const stream = {
    write(line: string) {
      held += line
      if (held.length >= MAX_HELD) release()
      if (isDue) return
      isDue = true
      setImmediate(() => {
        isDue = false
        release()
      })
    },
    flushSync() {
      release()
      file?.flushSync()
    },
  }
  process.once('exit', stream.flushSync)
  return pino({ level, base: null, timestamp: () => `,"time":"${isoText(new Date())}"` }, stream)
}

/**
 * Loads what prints the log for a person at a terminal: pino-pretty, where the app has installed it.
 *
 * @returns undefined where it is not installed.
 */
export async function loadPrinter(): Promise<LinePrinter | undefined> {
  const found = await import('pino-pretty').catch(() => undefined)
  return found?.default({
    sync: true,
    singleLine: true,
    colorize: true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: IN_THE_MESSAGE.join(),
    messageFormat: (line, messageKey) => sentenceOf(line, String(line[messageKey] ?? '')),
  })
}

/** What the message of a line says already, or what helps no one who watches. */
const IN_THE_MESSAGE = ['pid', 'hostname', 'invocationId', 'transport', 'method', 'route', 'durationMs']

function sentenceOf(line: Readonly<Record<string, unknown>>, message: string): string {
  const { action, code, method, route, status, durationMs } = line
  if (action !== undefined) return `${message} ${action}: ${code} in ${durationMs} ms`
  return route === undefined ? message : `${message} ${method} ${route}: ${status} in ${durationMs} ms`
}
