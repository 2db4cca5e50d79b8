import type { MiddlewareHandler } from 'hono'
import { type Compression, encodedHeaders, MAX_COMPRESSED_BYTES, varyByEncoding } from './compression.ts'
import type { Exchange } from './exchange.ts'

/** What is given as one value arrives in one piece; a blob in a few. */
const MAX_PIECES = 4

/** Compresses whole answers of the app's. What arrives in its own time, such as a stream of events, is passed on as it is. */
export function compressAnswers(
  compression: Compression,
): MiddlewareHandler<{ Bindings: { readonly exchange: Exchange } }> {
  return async (c, next) => {
    await next()
    const { status, headers, body } = c.res
    const header = (name: string) => headers.get(name)
    if (body === null || !compression.mayCompress(MAX_COMPRESSED_BYTES, status, header)) return
    if (headers.has('transfer-encoding')) return
    if (hasCredentialsOfBrowser(c.req.raw.headers, headers)) return
    const read = await readIfWhole(body)
    c.res = new Response(read, c.res)
    if (read instanceof ReadableStream || !compression.mayCompress(read.byteLength, status, header)) return
    c.res.headers.set('vary', varyByEncoding(header('vary')))
    if (c.req.method === 'HEAD') return
    const compressed = await compression.compress(
      read,
      c.req.header('accept-encoding'),
      c.env.exchange.holder,
    )
    if (!compressed) return
    c.res = new Response(Buffer.from(compressed.bytes), c.res)
    for (const [name, value] of Object.entries(encodedHeaders(compressed, header('etag'))))
      c.res.headers.set(name, value)
  }
}

/**
 * Whether a page of another could have made the browser ask in the user's name: then the size of a compressed
 * answer could tell a secret in it that stands beside what the page chose. The engine itself takes Bearer tokens alone.
 */
function hasCredentialsOfBrowser(asked: Headers, answered: Headers): boolean {
  const authorization = asked.get('authorization')
  return (
    asked.has('cookie') ||
    answered.has('set-cookie') ||
    (authorization !== null && !/^bearer /i.test(authorization))
  )
}

/** The body as one value when all of it is there already; otherwise the stream, from its beginning. */
async function readIfWhole(
  body: ReadableStream<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream> {
  const reader = body.getReader()
  const pieces: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const pending = reader.read()
    const result = await Promise.race([pending.catch(() => undefined), nextTurn()])
    if (result?.done) return Buffer.concat(pieces, bytes)
    if (result) {
      pieces.push(result.value)
      bytes += result.value.byteLength
    }
    if (!result || pieces.length >= MAX_PIECES || bytes > MAX_COMPRESSED_BYTES)
      return streamOf(pieces, result ? undefined : pending, reader)
  }
}

/** The pieces, then what is still to be read. */
function streamOf(
  pieces: Uint8Array[],
  pending: ReturnType<typeof reader.read> | undefined,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  let first = pending
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = pieces.shift()
        if (piece) return controller.enqueue(piece)
        const next = await (first ?? reader.read())
        first = undefined
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)))
}
