import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { HeldBytes } from './held-bytes.ts'

/** Smaller answers fit into a packet or two either way. */
const MIN_BYTES = 1024
/** Larger ones are sent as they are. An action's own answers are smaller. */
export const MAX_COMPRESSED_BYTES = 32 * 1024 * 1024
/** Each one uses a thread of the four that also read files and verify tokens, and up to 2 MiB. */
const MAX_RUNNING = 2
/** Further answers are sent as they are rather than late. */
const MAX_WAITING = 64
const GZIP_LEVEL = 5
const BROTLI_QUALITY = 4
/** A window of 512 KiB; the default takes 4 MiB. */
const BROTLI_WINDOW_BITS = 19

/** What says that a body is encoded already, is a part of one, or is signed as it stands. */
const UNTOUCHED = ['content-encoding', 'content-range', 'content-digest', 'digest', 'content-md5']
const TEXT_TYPE =
  /^(?:text\/(?!event-stream)|application\/(?:[\w.-]+\+)?(?:json|xml|javascript|jsonl|x-ndjson|ndjson|wasm)\b|image\/svg\+xml)/i

const encoders: Readonly<Record<Encoding, (bytes: Uint8Array) => Promise<Uint8Array>>> = {
  gzip: (bytes) => promisify(gzip)(bytes, { level: GZIP_LEVEL }),
  br: (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_LGWIN]: BROTLI_WINDOW_BITS,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
      },
    }),
}

/** A body as it is sent. */
export interface Compressed {
  readonly encoding: Encoding
  readonly bytes: Uint8Array
}

/** Compresses answers for the clients that accept it, few at a time. */
export class Compression {
  readonly #held: HeldBytes
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(held: HeldBytes) {
    this.#held = held
  }

  /** Whether a body of this size and with these headers is compressed for a client that accepts it. */
  mayCompress(bytes: number, status: number, header: (name: string) => string | null | undefined): boolean {
    if (bytes <= MIN_BYTES || bytes > MAX_COMPRESSED_BYTES || status === 204 || status === 304) return false
    return (
      TEXT_TYPE.test(header('content-type') ?? '') &&
      !UNTOUCHED.some((name) => header(name)) &&
      !/\bno-transform\b/i.test(header('cache-control') ?? '')
    )
  }

  /** The body in the coding that the client asks for; undefined when it is sent as it is. */
  async compress(
    body: string | Uint8Array,
    accepted: string | undefined,
    holder: object | undefined,
  ): Promise<Compressed | undefined> {
    const encoding = chooseEncoding(accepted)
    if (!encoding) return undefined
    // The text as bytes, and what comes of it, beside the text itself. An answer without that room is sent as it is.
    const room = Buffer.byteLength(body) * 2
    if (!this.#held.reserve(holder, room)) return undefined
    const bytes = await this.#inTurn(() =>
      encoders[encoding](typeof body === 'string' ? Buffer.from(body) : body),
    )
    if (!bytes || bytes.byteLength >= room / 2) {
      this.#held.reserve(holder, -room)
      return undefined
    }
    this.#held.answer(holder, bytes.byteLength, false)
    return { encoding, bytes }
  }

  /** Undefined where there is no room to wait, or where the encoder fails. */
  async #inTurn(encode: () => Promise<Uint8Array>): Promise<Uint8Array | undefined> {
    if (this.#running >= MAX_RUNNING) {
      if (this.#waiting.length >= MAX_WAITING) return undefined
      // A compression that ends hands on its place.
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running += 1
    }
    try {
      return await encode()
    } catch {
      return undefined
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }
}

/** The headers of an answer, said of its compressed form. */
export function encodedHeaders(
  { encoding, bytes }: Compressed,
  etag: string | null | undefined,
): Record<string, string> {
  return {
    'content-encoding': encoding,
    'content-length': String(bytes.byteLength),
    // The same bytes no more, though the same content (RFC 9110, 8.8.1).
    ...(etag?.startsWith('"') ? { etag: `W/${etag}` } : {}),
  }
}

/** `Vary`, with the header that decides about the coding. */
export function varyByEncoding(vary: string | null | undefined): string {
  if (!vary) return 'Accept-Encoding'
  const names = vary.split(',').map((name) => name.trim().toLowerCase())
  return names.includes('*') || names.includes('accept-encoding') ? vary : `${vary}, Accept-Encoding`
}

/** Content codings that answers are sent in; of two that a client likes the same, the first. */
const ENCODINGS = ['br', 'gzip'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** One member of the header: a coding and how much it is liked (RFC 9110, 12.4.2 and 12.5.3). */
const MEMBER = /^\s*([\w!#$%&'*+.^`|~-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/i

/**
 * The coding that an `Accept-Encoding` header asks for, undefined for none. A member that is malformed counts as not
 * given. What accepts nothing at all, not even `identity`, is sent as it is: an answer that says so is of more use than
 * none (RFC 9110, 12.5.3).
 */
export function chooseEncoding(header: string | undefined | null): Encoding | undefined {
  if (!header) return undefined
  const weights = new Map<string, number>()
  for (const member of header.split(',')) {
    const [, name, q = '1'] = MEMBER.exec(member) ?? []
    if (name === undefined) continue
    const coding = name.toLowerCase() === 'x-gzip' ? 'gzip' : name.toLowerCase()
    // Of two that contradict each other, the more cautious one.
    weights.set(coding, Math.min(weights.get(coding) ?? 1, Number(q)))
  }
  const others = weights.get('*') ?? 0
  let chosen: Encoding | undefined
  let best = weights.get('identity') ?? 0
  for (const encoding of ENCODINGS) {
    const weight = weights.get(encoding) ?? others
    if (weight > 0 && (chosen === undefined ? weight >= best : weight > best)) {
      chosen = encoding
      best = weight
    }
  }
  return chosen
}
