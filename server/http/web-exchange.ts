import type { Answer, AnswerStream, Exchange, WholeBody } from './exchange.ts'
import type { HeldBytes } from './held-bytes.ts'

/** Answers a request of the web's without a socket. */
export type Fetch = (request: Request) => Promise<Response>

/** Serves tests, and hosts that speak the web's types. */
export function createFetch({
  answer,
  held,
}: {
  readonly answer: (exchange: Exchange) => Promise<Answer>
  readonly held: HeldBytes
}): Fetch {
  return async (request) => {
    const answered = await answer(new WebExchange(request))
    if (typeof answered === 'function') return answered(request, {})
    const { status, headers, body, stream } = answered
    if (stream) return new Response(bytesOf(stream, held), { status, headers })
    const isEmpty = request.method === 'HEAD' || status === 204 || status === 304
    return new Response(isEmpty ? null : typeof body === 'string' ? body : Buffer.from(body), {
      status,
      headers,
    })
  }
}

/** A stream as the web has it. */
function bytesOf(stream: AnswerStream, held: HeldBytes): ReadableStream<Uint8Array> {
  let drained = () => {}
  let closed = () => {}
  return new ReadableStream<Uint8Array>({
    start(controller) {
      stream.start(
        {
          write(bytes) {
            controller.enqueue(bytes)
            return (controller.desiredSize ?? 0) > 0
          },
          onDrain: (listener) => {
            drained = listener
          },
          onClose: (listener) => {
            closed = listener
          },
          end(last) {
            controller.enqueue(last)
            controller.close()
          },
        },
        held,
      )
    },
    pull: () => drained(),
    cancel: () => closed(),
  })
}

class WebExchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[] = []
  readonly peer = undefined
  readonly bodyBytes: number | undefined
  readonly holder = undefined
  readonly #request: Request
  #body: Promise<WholeBody> | undefined

  constructor(request: Request) {
    this.method = request.method
    const { pathname, search } = new URL(request.url)
    this.target = pathname + search
    this.bodyBytes = request.body === null ? 0 : undefined
    this.#request = request
  }

  get isGone(): boolean {
    return this.#request.signal.aborted
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined
  }

  readBody(maxBytes: number): Promise<WholeBody> {
    this.#body ??= readAll(this.#request.body, maxBytes)
    return this.#body
  }
}

async function readAll(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<WholeBody> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) return 'too large'
      chunks.push(chunk)
    }
    return Buffer.concat(chunks, bytes)
  } catch {
    return 'ended early'
  }
}
