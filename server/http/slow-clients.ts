import type { IncomingMessage, ServerResponse } from 'node:http'

interface Arriving {
  readonly response: ServerResponse
  readonly untilMs: number
}

const ANSWER = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'

/** Ends requests whose bodies do not arrive in the time of their address; Node's own bound is one for all of them. */
export class SlowRequests {
  readonly #arriving = new Map<IncomingMessage, Arriving>()

  /** @param untilMs on the clock that `check` is given */
  add(request: IncomingMessage, response: ServerResponse, untilMs: number): void {
    this.#arriving.set(request, { response, untilMs })
  }

  delete(request: IncomingMessage): void {
    this.#arriving.delete(request)
  }

  /** Looks at all that have not arrived. @param nowMs of a clock that only goes forward */
  check(nowMs: number): void {
    for (const [request, { response, untilMs }] of this.#arriving) {
      if (request.complete) this.#arriving.delete(request)
      else if (nowMs > untilMs) {
        this.#arriving.delete(request)
        // As Node does it. An answer that waits behind another one has no socket yet.
        if (response.socket && !response.headersSent) response.socket.write(ANSWER, 'latin1')
        request.socket.destroy()
      }
    }
  }
}

export interface UnreadAnswersOptions {
  /** How long an answer may wait for its reader, and a stream for the next bytes to be taken. In ms. */
  readonly timeoutMs: number
  /** How many bytes of an answer a reader has to take in a second, beside that time. */
  readonly bytesPerSecond: number
  /** The size of an answer, in bytes. */
  sizeOf(response: ServerResponse): number
  /** How much of the room for answers is taken, from 0 to 1: the fuller, the shorter they may wait. */
  fullness(): number
}

/** However full it is. */
const MIN_WAIT_MS = 1_000

interface Wait {
  readonly sinceMs: number
  /** What its socket had taken when the wait began. */
  readonly taken: number
}

/** Drops answers that are not taken in their time, and the connections that they wait on. */
export class UnreadAnswers {
  readonly #options: UnreadAnswersOptions
  readonly #open = new Set<ServerResponse>()
  readonly #waits = new WeakMap<ServerResponse, Wait>()

  constructor(options: UnreadAnswersOptions) {
    this.#options = options
  }

  add(response: ServerResponse): void {
    this.#open.add(response)
  }

  delete(response: ServerResponse): void {
    this.#open.delete(response)
  }

  /** Looks at all that are open. @param nowMs of a clock that only goes forward */
  check(nowMs: number): void {
    const part = 1 - Math.min(1, this.#options.fullness())
    for (const response of this.#open) {
      const wait = this.#waitOf(response, nowMs)
      if (!wait) continue
      const timeMs = this.#timeFor(response)
      if (nowMs - wait.sinceMs > Math.max(timeMs * part, Math.min(timeMs, MIN_WAIT_MS))) {
        response.req.socket.destroy()
      }
    }
  }

  /** Since when an answer waits for its reader; undefined while it does not. */
  #waitOf(response: ServerResponse, nowMs: number): Wait | undefined {
    const isWaiting = response.writableEnded ? !response.writableFinished : response.writableNeedDrain
    if (!isWaiting) {
      this.#waits.delete(response)
      return undefined
    }
    const { socket } = response.req
    const taken = socket.bytesWritten - socket.writableLength
    const known = this.#waits.get(response)
    // A stream that goes on may take as long as its reader likes; an answer that is whole has a time.
    if (known && (response.writableEnded || known.taken === taken)) return known
    const wait = { sinceMs: nowMs, taken }
    this.#waits.set(response, wait)
    return wait
  }

  #timeFor(response: ServerResponse): number {
    const { timeoutMs, bytesPerSecond, sizeOf } = this.#options
    return timeoutMs + (sizeOf(response) / bytesPerSecond) * 1_000
  }
}
