import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type {
  Answer,
  AnswerStream,
  Exchange,
  HttpAnswer,
  StreamSink,
  WebAnswer,
  WholeBody,
} from './exchange.ts'
import type { HeldBytes } from './held-bytes.ts'

/** How long what no one read of a body may still take, so that the connection can be kept. */
const DRAIN_MS = 500
const NO_BODY: Promise<WholeBody> = Promise.resolve(new Uint8Array())

/** Answers requests of Node's server. The promise is fulfilled once the answer is made; a stream goes on after that. */
export type NodeListener = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

/** @param hostname stands in for a `Host` that a request of HTTP/1.0 does not have */
export function createNodeListener(
  { answer, held }: { readonly answer: (exchange: Exchange) => Promise<Answer>; readonly held: HeldBytes },
  hostname: string,
): NodeListener {
  const answerByWeb = createWebAnswering(hostname)
  return async (incoming, outgoing) => {
    const exchange = new NodeExchange(incoming)
    const answered = await answer(exchange)
    if (typeof answered === 'function') await answerByWeb(incoming, outgoing, answered)
    else if (answered.stream) exchange.stream(outgoing, answered, answered.stream, held)
    else exchange.send(outgoing, answered)
  }
}

class NodeExchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly bodyBytes: number | undefined
  readonly holder: IncomingMessage
  #body: Promise<WholeBody> | undefined
  #isAnswered = false

  constructor(incoming: IncomingMessage) {
    this.method = incoming.method ?? 'GET'
    this.target = incoming.url ?? ''
    this.bodyBytes = bodyBytesOf(incoming, this.method)
    this.holder = incoming
  }

  get rawHeaders(): readonly string[] {
    return this.holder.rawHeaders
  }

  get peer(): string | undefined {
    return this.holder.socket.remoteAddress
  }

  get isGone(): boolean {
    return this.holder.socket.destroyed
  }

  header(name: string): string | undefined {
    const value = this.holder.headers[name]
    return typeof value === 'string' ? value : undefined
  }

  readBody(maxBytes: number): Promise<WholeBody> {
    this.#body ??= this.bodyBytes === 0 ? NO_BODY : this.#read(maxBytes)
    return this.#body
  }

  #read(maxBytes: number): Promise<WholeBody> {
    const incoming = this.holder
    return new Promise((resolve) => {
      const chunks: Buffer[] = []
      let bytes = 0
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(chunk)
        // What no one waits for is not kept.
        if (bytes > maxBytes || this.#isAnswered) chunks.length = 0
        if (bytes > maxBytes) resolve('too large')
      })
      incoming.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
      incoming.on('close', () => resolve('ended early'))
    })
  }

  stream(
    outgoing: ServerResponse,
    { status, headers }: HttpAnswer,
    stream: AnswerStream,
    held: HeldBytes,
  ): void {
    this.#isAnswered = true
    if (this.isGone) {
      stream.cancel()
      return
    }
    outgoing.writeHead(status, headers)
    stream.start(sinkOf(outgoing), held)
  }

  send(outgoing: ServerResponse, { status, headers, body }: HttpAnswer): void {
    this.#isAnswered = true
    const hasBody = this.method !== 'HEAD' && status !== 204 && status !== 304
    if (hasBody && headers['transfer-encoding'] === undefined)
      headers['content-length'] = String(Buffer.byteLength(body))
    if (!this.holder.complete) outgoing.once('finish', () => closeUnlessComplete(this.holder))
    outgoing.writeHead(status, headers)
    if (hasBody) outgoing.end(body)
    else outgoing.end()
  }
}

function sinkOf(outgoing: ServerResponse): StreamSink {
  return {
    write: (bytes) => outgoing.write(bytes),
    onDrain: (listener) => void outgoing.on('drain', listener),
    onClose: (listener) => void outgoing.once('close', listener),
    end: (last) => void outgoing.end(last),
  }
}

/** A GET and a HEAD have none: what comes with them is not read. */
function bodyBytesOf({ headers }: IncomingMessage, method: string): number | undefined {
  if (method === 'GET' || method === 'HEAD') return 0
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined
}

/** Node drops the rest of a body as it arrives; a connection on which it does not arrive soon is closed. */
function closeUnlessComplete(incoming: IncomingMessage): void {
  const timer = setTimeout(() => {
    if (!incoming.complete) incoming.socket.destroySoon()
  }, DRAIN_MS)
  timer.unref()
}

interface PendingAnswer {
  readonly answer: WebAnswer
  made?: Promise<Response>
}

/** Gives the app's routes a Request made of Node's, and writes their Response, streams included, as it comes. */
function createWebAnswering(hostname: string) {
  const pending = new WeakMap<object, PendingAnswer>()
  const listener = getRequestListener(
    async (request, env) => {
      const asked = pending.get(env.incoming)
      if (!asked) throw new TypeError('This request was not left to the routes of the app')
      asked.made = Promise.resolve(asked.answer(request, env))
      return asked.made
    },
    { hostname },
  )
  return async (incoming: IncomingMessage, outgoing: ServerResponse, answer: WebAnswer): Promise<void> => {
    const asked: PendingAnswer = { answer }
    pending.set(incoming, asked)
    // It asks at once, unless it refuses the request by itself; and it answers for what is thrown.
    const written = listener(incoming, outgoing)
    await (asked.made ?? written).catch(() => {})
  }
}
