/// <reference lib="es2024.string" />
import { z } from 'zod'
import { cursorHash, decodeCursorText, encodeCursorText, MAX_CURSOR_LENGTH } from '../wire/cursor-text.ts'

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
  const cursor = encodeCursorText(parts)
  return cursor.length > MAX_CURSOR_LENGTH ? undefined : cursor
}

/** Reads a cursor strictly; undefined when it is malformed or belongs to another query. */
export function decodeCursor(scope: CursorScope, cursor: string): CursorPosition | undefined {
  const parsed = cursorSchema.safeParse(decodeCursorText(cursor))
  if (!parsed.success) return undefined
  const [, collection, orderBy, orderDir, hash, value, recordId] = parsed.data
  const belongs =
    collection === scope.collection &&
    orderBy === scope.orderBy &&
    orderDir === scope.orderDir &&
    hash === hashOf(scope) &&
    recordId.isWellFormed() &&
    !recordId.includes('\0')
  return belongs ? { value, recordId } : undefined
}

function hashOf({ where, reader }: CursorScope): string {
  return cursorHash([where ?? {}, reader])
}
