import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical.ts'

/** Longer cursors are not read. */
const MAX_CURSOR_LENGTH = 8_192
const HASH_LENGTH = 16

/** The text of a cursor: its parts as JSON, in base64url. */
export function encodeCursorText(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** Reads a cursor's text strictly, for a schema to look at; undefined when it is malformed. */
export function decodeCursorText(cursor: string): unknown {
  if (cursor.length > MAX_CURSOR_LENGTH) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.toString('base64url') !== cursor) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Tells by few characters whether a cursor belongs to what it is given with. It is no secret. */
export function cursorHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url').slice(0, HASH_LENGTH)
}
