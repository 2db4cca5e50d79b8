import type { IncomingMessage } from 'node:http'

/** Headers that are read here, or that decide how the rest is read; twice, they might mean two things. */
const READ: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-type',
  'content-length',
  'idempotency-key',
  'x-request-id',
  'x-forwarded-for',
  'accept',
  'origin',
])
/** What asks for more than a plain answer to a plain body. */
const UNUSUAL: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'content-encoding',
  'expect',
  'upgrade',
  'trpc-accept',
])
const NO_BYTES = new Uint8Array()
const HOST = /^[\w.-]+(?::\d+)?$/
const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i

/** The headers of a plain request. */
export interface PlainHeaders {
  readonly authorization: string
  /** The length of its body; a GET has none. */
  readonly bytes: number
  readonly idempotencyKey: string | undefined
  readonly requestId: string | undefined
  readonly forwardedFor: string | undefined
  readonly origin: string | undefined
}

/**
 * Reads the headers of a request that posts JSON or gets an address, as almost all calls do. Undefined for anything
 * else, however harmless: it is for a reader who knows all of HTTP.
 */
export function readPlainHeaders(
  { method, httpVersion, rawHeaders }: IncomingMessage,
  maxBytes: number,
): PlainHeaders | undefined {
  if ((method !== 'POST' && method !== 'GET') || httpVersion !== '1.1') return undefined
  const found = new Map<string, string>()
  for (let position = 0; position < rawHeaders.length; position += 2) {
    const name = (rawHeaders[position] ?? '').toLowerCase()
    if (UNUSUAL.has(name)) return undefined
    if (!READ.has(name)) continue
    if (found.has(name)) return undefined
    found.set(name, rawHeaders[position + 1] ?? '')
  }
  const authorization = found.get('authorization')
  const isPlain = HOST.test(found.get('host') ?? '') && !found.get('accept')?.includes('jsonl')
  if (authorization === undefined || !isPlain) return undefined
  const bytes = method === 'GET' ? bytesOfNone(found) : bytesOfJson(found, maxBytes)
  if (bytes === undefined) return undefined
  return {
    authorization,
    bytes,
    idempotencyKey: found.get('idempotency-key'),
    requestId: found.get('x-request-id'),
    forwardedFor: found.get('x-forwarded-for'),
    origin: found.get('origin'),
  }
}

function bytesOfJson(headers: ReadonlyMap<string, string>, maxBytes: number): number | undefined {
  const bytes = Number(headers.get('content-length'))
  return bytes > 0 && bytes <= maxBytes && JSON_TYPE.test(headers.get('content-type') ?? '')
    ? bytes
    : undefined
}

function bytesOfNone(headers: ReadonlyMap<string, string>): number | undefined {
  return headers.has('content-length') ? undefined : 0
}

/** Reads a body of so many bytes; undefined when the request ends before. */
export async function readBytes(incoming: IncomingMessage, bytes: number): Promise<Uint8Array | undefined> {
  if (bytes === 0) return NO_BYTES
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, bytes)))
    incoming.on('close', () => resolve(undefined))
  })
}
