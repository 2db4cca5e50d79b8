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
