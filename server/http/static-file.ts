import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { fail } from '../core/result.ts'
import { chooseEncoding, type Encoding } from './compression.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import { answerOf, headersOfAll } from './respond.ts'

/** Of what is compressed once and sent often. */
const BROTLI_QUALITY = 6
/** What grows smaller; pictures and fonts of the web are compressed already. */
const COMPRESSIBLE = /^(?:text\/|application\/(?:json|javascript|manifest\+json|xml|wasm)|image\/svg\+xml)/

/** Headers of a file that never changes under its name. */
export const IMMUTABLE = 'public, max-age=31536000, immutable'

/** A file that never changes while the server runs, with what is sent of it. */
export interface StaticFile {
  readonly bytes: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly encoded: Map<Encoding, Promise<Buffer>>
}

/** Takes a file's content, and the headers that are its own. */
export function staticFile(bytes: Buffer, headers: Readonly<Record<string, string>>): StaticFile {
  // Weak, since it is the same for each coding (RFC 9110, 8.8.1).
  const etag = `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  return { bytes, headers: { ...headers, etag, vary: 'Accept-Encoding' }, encoded: new Map() }
}

/** Answers a request for a file, with 304 where the client has it, and with 405 for what is no reading. */
export async function answerFile(
  file: StaticFile,
  exchange: Exchange,
  requestId: string,
  isCompressing: boolean,
): Promise<HttpAnswer> {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
    const refused = answerOf(fail('METHOD_NOT_SUPPORTED', 'This address takes GET.'), requestId)
    return { ...refused, headers: { ...refused.headers, allow: 'GET' } }
  }
  const headers = { ...file.headers, ...headersOfAll(requestId) }
  if (isKnown(exchange.header('if-none-match'), file.headers.etag)) return { status: 304, headers, body: '' }
  const mayEncode =
    isCompressing && exchange.method === 'GET' && COMPRESSIBLE.test(file.headers['content-type'] ?? '')
  const encoding = mayEncode ? chooseEncoding(exchange.header('accept-encoding')) : undefined
  if (!encoding) return { status: 200, headers, body: file.bytes }
  return {
    status: 200,
    headers: { ...headers, 'content-encoding': encoding },
    body: await encodedOf(file, encoding),
  }
}

function encodedOf({ bytes, encoded }: StaticFile, encoding: Encoding): Promise<Buffer> {
  const known = encoded.get(encoding)
  if (known) return known
  const making =
    encoding === 'gzip'
      ? promisify(gzip)(bytes)
      : promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } })
  encoded.set(encoding, making)
  return making
}

/** Whether the client has it already (RFC 9110, 13.1.2). */
function isKnown(header: string | undefined, etag: string | undefined): boolean {
  if (header === undefined || etag === undefined) return false
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return header.trim() === '*' || header.split(',').some((tag) => opaque(tag) === opaque(etag))
}
