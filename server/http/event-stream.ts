import type { EventFormat, LiveAnswer } from '../live/live-query.ts'
import { LIVE_ENDS, type LiveEndReason, type LiveOutlet, type LiveStream } from '../live/live-stream.ts'
import { transformer } from '../wire/serialize.ts'
import type { Exchange, HttpAnswer, StreamSink } from './exchange.ts'
import type { HeldBytes } from './held-bytes.ts'
import { headersOfAll } from './respond.ts'

/** How a stream is written (HTML, 9.2, server-sent events). */
export interface StreamFormat extends EventFormat {
  /** What it begins with. */
  readonly start: Buffer
  readonly ping: Buffer
}

const EVENT_STREAM = 'text/event-stream'
const LAST_EVENT_ID = 'last-event-id'
/** After how long a browser's EventSource opens a stream again that has ended, in milliseconds. */
const RETRY_MS = 1_000
/** When a client of tRPC's takes a stream for dead: after three pings that did not come. */
const INACTIVITY_MS = 45_000

/** Plain server-sent events: the answer as JSON, and comments as signs of life. */
export const PLAIN_EVENTS: StreamFormat = {
  start: Buffer.from(`retry: ${RETRY_MS}\n\n`),
  ping: Buffer.from(':\n\n'),
  answer: (id, _value, json) => `id: ${id}\ndata: ${json}\n\n`,
}

/** As tRPC's clients read a subscription. */
export const TRPC_EVENTS: StreamFormat = {
  start: Buffer.from(
    `retry: ${RETRY_MS}\nevent: connected\ndata: ${JSON.stringify({ reconnectAfterInactivityMs: INACTIVITY_MS })}\n\n`,
  ),
  ping: Buffer.from('event: ping\ndata: \n\n'),
  answer: (id, value) => `id: ${id}\ndata: ${JSON.stringify(transformer.serialize(value))}\n\n`,
}

/** Whether a request asks for a stream. */
export function asksForEvents(exchange: Exchange): boolean {
  return exchange.header('accept')?.toLowerCase().includes(EVENT_STREAM) === true
}

/** Whether a request takes nothing but a stream. */
export function asksForEventsAlone(exchange: Exchange): boolean {
  const others = /application\/(?:json|\*)|\*\/\*/
  return asksForEvents(exchange) && !others.test(exchange.header('accept')?.toLowerCase() ?? '')
}

/** Answers with a stream, which goes on where the reader's last one has ended. */
export function streamAnswer(
  stream: LiveStream,
  format: StreamFormat,
  { exchange, requestId }: { readonly exchange: Exchange; readonly requestId: string },
): HttpAnswer {
  return {
    status: 200,
    headers: {
      ...headersOfAll(requestId),
      'content-type': EVENT_STREAM,
      'cache-control': 'no-store, no-transform',
      // What holds answers back until they are whole must let this one through.
      'x-accel-buffering': 'no',
      connection: 'close',
    },
    body: '',
    stream: {
      start: (sink, held) => {
        const outlet = new EventOutlet({ stream, format, sink, held, holder: exchange.holder })
        stream.attach(outlet, exchange.header(LAST_EVENT_ID))
      },
      cancel: () => {
        stream.close()
      },
    },
  }
}

interface OutletOptions {
  readonly stream: LiveStream
  readonly format: StreamFormat
  readonly sink: StreamSink
  readonly held: HeldBytes
  readonly holder: object | undefined
}

/** Writes the answers of a stream, one at a time: while its reader has not taken one, the next one is not made. */
class EventOutlet implements LiveOutlet {
  readonly #options: OutletOptions
  #unreadBytes = 0

  constructor(options: OutletOptions) {
    this.#options = options
    const { sink, stream, format } = options
    sink.onDrain(() => this.#drained())
    sink.onClose(() => stream.close())
    sink.write(format.start)
  }

  get isReady(): boolean {
    return this.#unreadBytes === 0
  }

  send(answer: LiveAnswer): void {
    const { format, sink, held, holder, stream } = this.#options
    const bytes = answer.as(format)
    // Ended later: whoever sends goes through all streams.
    if (!held.reserve(holder, bytes.length)) setImmediate(() => stream.end('overloaded'))
    else if (sink.write(bytes)) held.reserve(holder, -bytes.length)
    else this.#unreadBytes = bytes.length
  }

  ping(): void {
    this.#options.sink.write(this.#options.format.ping)
  }

  end(reason: LiveEndReason): void {
    const data = JSON.stringify({ reason, message: LIVE_ENDS[reason] })
    this.#options.sink.end(Buffer.from(`event: end\ndata: ${data}\n\n`))
  }

  #drained(): void {
    const { held, holder, stream } = this.#options
    held.reserve(holder, -this.#unreadBytes)
    this.#unreadBytes = 0
    stream.onReady()
  }
}
