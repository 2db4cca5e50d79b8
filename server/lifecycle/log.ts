import { type Logger, pino } from 'pino'
import { isoText } from '../wire/iso-text.ts'

export interface LogOptions {
  readonly level: string
  /** A file descriptor, or the path of a file. @default standard output */
  readonly destination?: number | string
}

const STDOUT = 1
/** More than this is written at once. */
const MAX_HELD = 8 * 1024

/**
 * The server's log: a line of JSON for each call. Lines of one turn of the event loop are written together, since each
 * write costs as much as all else of a line; what is held at the end of the process is written then.
 */
export function createLog({ level, destination = STDOUT }: LogOptions): Logger {
  const sink = pino.destination({ dest: destination, sync: true })
  let held = ''
  let isDue = false
  const release = () => {
    const lines = held
    held = ''
    if (lines !== '') sink.write(lines)
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
      sink.flushSync()
    },
  }
  process.once('exit', stream.flushSync)
  return pino({ level, base: null, timestamp: () => `,"time":"${isoText(new Date())}"` }, stream)
}
