import { type Readable, type Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { JsonValue } from '../core/result.ts'
import { findUnsendable } from '../wire/plain-data.ts'

/** Thrown for a body that is too long. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', () => createInflate()],
  ['br', () => createBrotliDecompress()],
])

/**
 * Reads a body to its end. It is decompressed in pieces and closed as soon as it is too large, so that a decompression
 * bomb takes no more memory than other answers.
 *
 * @param maxBytes after decompression
 * @returns undefined for an unknown or corrupt coding, and for a body that is not UTF-8.
 */
export async function readText(
  body: Readable,
  coding: string,
  maxBytes: number,
): Promise<string | undefined> {
  const name = coding.trim().toLowerCase()
  if (name === 'identity') return decodeUtf8(await readBytes(body, maxBytes))
  const decoder = DECODERS.get(name)
  if (!decoder) return undefined
  try {
    const kept: Buffer[] = []
    await pipeline(body, decoder(), collector(kept, maxBytes))
    return decodeUtf8(Buffer.concat(kept))
  } catch (error) {
    if (isCorrupt(error)) return undefined
    throw error
  }
}

/** Parses JSON; undefined for text that is not JSON, or a value that an action cannot return. */
export function parseSendableJson(text: string): JsonValue | undefined {
  try {
    const value: JsonValue = JSON.parse(text)
    return findUnsendable(value) ? undefined : value
  } catch {
    return undefined
  }
}

/** Reads a body that is not compressed, without the streams and the signal of a pipeline. */
function readBytes(body: Readable, maxBytes: number): Promise<Uint8Array> {
  const kept: Buffer[] = []
  let bytes = 0
  return new Promise((resolve, reject) => {
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes > maxBytes) {
        const error = new TooLargeError()
        reject(error)
        body.destroy(error)
      } else kept.push(chunk)
    })
    body.on('end', () => resolve(Buffer.concat(kept)))
    body.on('error', reject)
    body.on('close', () => reject(new Error('The body ended early')))
  })
}

function collector(kept: Buffer[], maxBytes: number): Writable {
  let bytes = 0
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) return done(new TooLargeError())
      kept.push(chunk)
      done()
    },
  })
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Whether zlib or brotli refused its input, which is no failure of the connection. */
function isCorrupt(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(Z_|ERR__ERROR_)/.test(String(error.code))
}
