import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import type { AnswerStream, Exchange, HttpAnswer } from '../../server/http/exchange.ts'
import type { Http } from '../../server/http/handler.ts'
import { DRY_RUN_HEADER } from '../../server/http/request-contexts.ts'
import type { ApiDocument } from './api-document.ts'
import { Contract, type Exchanged } from './contract.ts'

/** Validators take long to compile and are large; most apps under test have the fixture's document. */
const contracts = new LRUCache<string, Contract>({ max: 10 })
const faults: string[] = []

/** Answers as before, and holds each exchange with the REST routes against the app's document. */
export function holdingContract(
  answer: Http['answer'],
  documentOf: () => string,
  found: string[] = faults,
): Http['answer'] {
  return async (exchange) => {
    const answered = await answer(exchange)
    // The app's own routes are in no document.
    if (typeof answered === 'function' || !isDescribed(exchange)) return answered
    const exchanged = await wholeOf(exchange, answered)
    if (!exchanged) return answered
    const check = (whole: Exchanged) => found.push(...faultsBy(documentOf(), whole))
    check(exchanged)
    const { stream } = answered
    if (!stream) return answered
    return { ...answered, stream: watched(stream, (answerBody) => check({ ...exchanged, answerBody })) }
  }
}

/** A stream, each piece of which is looked at as it is written: each is one event. */
function watched(stream: AnswerStream, look: (written: string) => void): AnswerStream {
  return {
    ...stream,
    start: (sink, held) =>
      stream.start(
        {
          ...sink,
          write(bytes) {
            look(new TextDecoder().decode(bytes))
            return sink.write(bytes)
          },
        },
        held,
      ),
  }
}

/** A preflight is no call. */
function isDescribed({ method, target }: Exchange): boolean {
  return target.startsWith('/api/') && method !== 'OPTIONS'
}

/** Where the document with this text is not true of an exchange. */
export function faultsBy(document: string, exchanged: Exchanged): readonly string[] {
  return contractOf(document).faultsOf(exchanged)
}

/** Lets the test that runs fail with these sentences. */
export function report(sentences: readonly string[]): void {
  faults.push(...sentences)
}

/** @throws {Error} naming what was not as the documents say since this was last called. */
export function refuseFaults(): void {
  const sentences = [...new Set(faults.splice(0))]
  if (sentences.length > 0) throw new Error(`The OpenAPI document is not true:\n${sentences.join('\n')}`)
}

/** The contract of a document, given as its text. */
function contractOf(text: string): Contract {
  const known = contracts.get(text)
  if (known) return known
  const made = new Contract(JSON.parse(text) as ApiDocument)
  contracts.set(text, made)
  return made
}

/** Undefined where the client has gone meanwhile. */
async function wholeOf(exchange: Exchange, answer: HttpAnswer): Promise<Exchanged | undefined> {
  const { method, target } = exchange
  const { status, headers } = answer
  const answerHeaders = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const isTaken = status < 400 && method !== 'GET' && method !== 'HEAD'
  // What was refused may be unread, and reading it would wait for it.
  const read = isTaken ? await exchange.readBody(Number.MAX_SAFE_INTEGER) : undefined
  if (typeof read === 'string') return undefined
  return {
    method,
    target,
    header: (name) => exchange.header(name),
    isDryRun: exchange.header(DRY_RUN_HEADER) !== undefined,
    // Without a byte order mark, which may be ignored (RFC 8259, 8.1).
    body: read && new TextDecoder().decode(read),
    status,
    answerHeaders,
    answerBody: decoded(answer.body, answerHeaders['content-encoding']),
  }
}

function decoded(body: string | Uint8Array, encoding: string | undefined): string {
  if (typeof body === 'string') return body
  if (encoding === 'br') return brotliDecompressSync(body).toString('utf8')
  if (encoding === 'gzip') return gunzipSync(body).toString('utf8')
  return Buffer.from(body).toString('utf8')
}
