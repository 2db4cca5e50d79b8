import { z } from 'zod'
import { decodeCursor, digestOf, encodeCursor, positionText } from '../wire/cursor.ts'

/** The query that a cursor belongs to; a cursor of another query is refused. */
export interface QueryScope {
  readonly collection: string
  readonly orderBy: string
  readonly orderDir: 'asc' | 'desc'
  readonly where: unknown
  /** Whose pages they are. */
  readonly reader: string
}

/** Where the next page starts: the last record's value of the order's field, as the database writes it, and its id. */
export interface RecordPosition {
  readonly value: string | null
  readonly recordId: string
  /** The digest of a value that is too long for a cursor: the value is read from the record instead. */
  readonly digest?: string | undefined
}

/** The longest value in a cursor: a longer one does not fit into a URL. */
const MAX_VALUE_BYTES = 2_000

const positionSchema = z.tuple([positionText.nullable(), positionText, z.string().nullable()])

/** Encodes a position. A cursor grants nothing: `where` and permissions apply again to every page. */
export function encodeRecordCursor(query: QueryScope, { value, recordId }: RecordPosition): string {
  const isLong = Buffer.byteLength(JSON.stringify(value)) > MAX_VALUE_BYTES
  return encodeCursor(scopeOf(query), [isLong ? null : value, recordId, isLong ? digestOf(value) : null])
}

/** Decodes a position: undefined when the cursor is malformed, changed, or belongs to another query. */
export function decodeRecordCursor(query: QueryScope, cursor: string): RecordPosition | undefined {
  const position = decodeCursor(scopeOf(query), positionSchema, cursor)
  if (!position) return undefined
  const [value, recordId, digest] = position
  return { value, recordId, digest: digest ?? undefined }
}

/** Whether a value has the position's digest. */
export function isValueOf({ digest }: RecordPosition, value: unknown): value is string {
  return typeof value === 'string' && digestOf(value) === digest
}

function scopeOf({ collection, where, ...order }: QueryScope) {
  return { list: collection, filters: { ...order, where: where ?? {} } }
}
