import { type Logger, pino } from 'pino'

export interface LogOptions {
  readonly level: string
  /** A file descriptor, or the path of a file. @default standard output */
  readonly destination?: number | string
}

const STDOUT = 1
/** More than this is written at once. */
const MAX_HELD_BYTES = 8 * 1024

/**
 * The server's log: a line of JSON for each call. Lines of one turn of the event loop are written together, since each
 * write costs as much as all else of a line; what is held at the end of the process is written then.
 */
export function createLog({ level, destination = STDOUT }: LogOptions): Logger {
  const sink = pino.destination({ dest: destination, sync: true, minLength: MAX_HELD_BYTES })
  const flushSync = () => sink.flushSync()
  let isDue = false
  const stream = {
    write(line: string) {
      sink.write(line)
      if (isDue) return
      isDue = true
      setImmediate(() => {
        isDue = false
        // Without a callback it writes, and does not wait for a disk as flushSync does.
        sink.flush()
      })
    },
    flushSync,
  }
  process.once('exit', flushSync)
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream)
}
