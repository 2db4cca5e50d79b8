/// <reference lib="es2024.string" />
import { z } from 'zod'
import { cursorHash, decodeCursorText, encodeCursorText } from '../wire/cursor-text.ts'

/** The query that a cursor belongs to; a cursor of another query is refused. */
export interface CursorScope {
  readonly collection: string
  readonly orderBy: string
  readonly orderDir: 'asc' | 'desc'
  readonly where: unknown
  /** Whose pages they are. */
  readonly reader: string
}

/** Where the next page starts: the last record's value of the order's field, as the database writes it, and its id. */
export interface CursorPosition {
  readonly value: string | null
  readonly recordId: string
  /** The digest of a value that is too long for a cursor: the value is read from the record instead. */
  readonly digest?: string | undefined
}

const VERSION = 1
/** The longest value in a cursor: a longer one does not fit into a URL. */
const MAX_VALUE_BYTES = 2_000

const cursorSchema = z.tuple([
  z.literal(VERSION),
  z.string(),
  z.string(),
  z.enum(['asc', 'desc']),
  z.string(),
  z.string().nullable(),
  z.string(),
  z.string().nullable(),
])

/** Encodes a position. A cursor grants nothing: `where` and permissions apply again to every page. */
export function encodeCursor(scope: CursorScope, { value, recordId }: CursorPosition): string {
  const isLong = Buffer.byteLength(JSON.stringify(value)) > MAX_VALUE_BYTES
  const parts: z.infer<typeof cursorSchema> = [
    VERSION,
    scope.collection,
    scope.orderBy,
    scope.orderDir,
    hashOf(scope),
    isLong ? null : value,
    recordId,
    isLong ? cursorHash(value) : null,
  ]
  return encodeCursorText(parts)
}

/** Whether a value has the position's digest. */
export function isValueOf({ digest }: CursorPosition, value: unknown): value is string {
  return typeof value === 'string' && cursorHash(value) === digest
}

/** Reads a cursor strictly; undefined when it is malformed or belongs to another query. */
export function decodeCursor(scope: CursorScope, cursor: string): CursorPosition | undefined {
  const parsed = cursorSchema.safeParse(decodeCursorText(cursor))
  if (!parsed.success) return undefined
  const [, collection, orderBy, orderDir, hash, value, recordId, digest] = parsed.data
  const belongs =
    collection === scope.collection &&
    orderBy === scope.orderBy &&
    orderDir === scope.orderDir &&
    hash === hashOf(scope) &&
    recordId.isWellFormed() &&
    !recordId.includes('\0')
  return belongs ? { value, recordId, digest: digest ?? undefined } : undefined
}

function hashOf({ where, reader }: CursorScope): string {
  return cursorHash([where ?? {}, reader])
}
