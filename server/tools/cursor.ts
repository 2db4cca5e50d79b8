import { createHash } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from '../wire/canonical.ts'

/** Everything that a page's cursor belongs to; a cursor of another query is refused. */
export interface CursorScope {
  readonly collection: string
  readonly orderBy: string
  readonly orderDir: 'asc' | 'desc'
  readonly where: unknown
  /** Whose pages they are. */
  readonly reader: string
}

/** Where the next page starts: the last record's value in the order, as the database writes it, and its id. */
export interface CursorPosition {
  readonly value: string | null
  readonly recordId: string
}

const VERSION = 1
const MAX_LENGTH = 8_192
const HASH_LENGTH = 16

const cursorSchema = z.tuple([
  z.literal(VERSION),
  z.string(),
  z.string(),
  z.enum(['asc', 'desc']),
  z.string(),
  z.string().nullable(),
  z.string(),
])

/**
 * A cursor grants nothing: `where` and permissions apply to every page anew.
 *
 * @returns undefined when the position is too long to be sent back.
 */
export function encodeCursor(scope: CursorScope, position: CursorPosition): string | undefined {
  const parts: z.infer<typeof cursorSchema> = [
    VERSION,
    scope.collection,
    scope.orderBy,
    scope.orderDir,
    hashOf(scope),
    position.value,
    position.recordId,
  ]
  const cursor = Buffer.from(JSON.stringify(parts)).toString('base64url')
  return cursor.length > MAX_LENGTH ? undefined : cursor
}

/** Reads a cursor strictly; undefined when it is malformed or belongs to another query. */
export function decodeCursor(scope: CursorScope, cursor: string): CursorPosition | undefined {
  if (cursor.length > MAX_LENGTH || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.toString('base64url') !== cursor) return undefined
  const parsed = cursorSchema.safeParse(parseOrUndefined(bytes.toString('utf8')))
  if (!parsed.success) return undefined
  const [, collection, orderBy, orderDir, hash, value, recordId] = parsed.data
  const belongs =
    collection === scope.collection &&
    orderBy === scope.orderBy &&
    orderDir === scope.orderDir &&
    hash === hashOf(scope) &&
    !`${value ?? ''}${recordId}`.includes('\0')
  return belongs ? { value, recordId } : undefined
}

function hashOf({ where, reader }: CursorScope): string {
  return createHash('sha256')
    .update(canonicalJson([where ?? {}, reader]))
    .digest('base64url')
    .slice(0, HASH_LENGTH)
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
