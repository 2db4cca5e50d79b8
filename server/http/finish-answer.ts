import { type Compression, encodedHeaders, varyByEncoding } from './compression.ts'
import type { Cors } from './cors.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'

export interface FinishOptions {
  /** Undefined where pages of other origins may not call. */
  readonly cors: Cors | undefined
  /** Undefined where answers are sent as they are. */
  readonly compression: Compression | undefined
  isStopping(): boolean
}

/** Gives an answer of the engine's as it is sent: a short one at once. */
export type FinishAnswer = (exchange: Exchange, answer: HttpAnswer) => HttpAnswer | Promise<HttpAnswer>

/** Makes what adds to every answer of the engine's what does not depend on who gave it. */
export function createFinishAnswer({ cors, compression, isStopping }: FinishOptions): FinishAnswer {
  return (exchange, answer) => {
    const { status, headers, body } = answer
    if (cors) {
      Object.assign(headers, cors.headers(exchange.header('origin')))
      headers.vary = headers.vary === undefined ? 'Origin' : `${headers.vary}, Origin`
    }
    if (isStopping()) headers.connection = 'close'
    if (!compression || headers['transfer-encoding'] !== undefined) return answer
    if (!compression.mayCompress(Buffer.byteLength(body), status, (name) => headers[name])) return answer
    headers.vary = varyByEncoding(headers.vary)
    return exchange.method === 'HEAD' ? answer : compressed(compression, exchange, answer)
  }
}

async function compressed(
  compression: Compression,
  exchange: Exchange,
  { status, headers, body }: HttpAnswer,
): Promise<HttpAnswer> {
  const smaller = await compression.compress(body, exchange.header('accept-encoding'), exchange.holder)
  if (!smaller) return { status, headers, body }
  return {
    status,
    headers: { ...headers, ...encodedHeaders(smaller, headers.etag) },
    body: smaller.bytes,
  }
}
