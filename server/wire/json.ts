import type { IssueInfo } from '../core/result.ts'
import { findOversize } from './json-size.ts'

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issue: IssueInfo }

const utf8 = new TextDecoder('utf-8', { fatal: true })

// The engine quotes the body in its messages; only the position may leave this file.
const POSITION = / at position (\d+)(?: \(line \d+ column \d+\))?$/

/**
 * Parses a request body: strict UTF-8, a byte order mark is ignored, and no bytes at all mean `{}`. Of
 * duplicate keys the last one wins. The issue never quotes the body.
 */
export function parseJson(bytes: Uint8Array): ParsedJson {
  const text = decodeUtf8(bytes)
  if (text === undefined) return refuse('Body is not valid UTF-8: send JSON encoded as UTF-8.')
  if (text === '') return { ok: true, value: {} }
  const oversize = findOversize(bytes)
  if (oversize) return { ok: false, issue: oversize }
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch (error) {
    const position = POSITION.exec(error instanceof Error ? error.message : '')?.[1]
    return refuse(`Body is not valid JSON${position === undefined ? '' : ` at position ${position}`}.`)
  }
}

/** Strictly: undefined for what is no UTF-8. A byte order mark is left out. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function refuse(message: string): ParsedJson {
  return { ok: false, issue: { path: [], message } }
}

/** Writes JSON as `JSON.stringify` does, and bigints, which it refuses, as decimal strings. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner))
}
