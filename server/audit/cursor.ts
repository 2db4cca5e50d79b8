import { z } from 'zod'
import { cursorHash, decodeCursorText, encodeCursorText } from '../wire/cursor-text.ts'
import { parseIsoInstant } from '../wire/scalars.ts'

/** The last entry of a page, after which the next one starts. */
export interface AuditPosition {
  readonly at: Date
  readonly id: string
}

const VERSION = 1

const cursorSchema = z.tuple([
  z.literal(VERSION),
  z.literal('audit'),
  z.string(),
  z.string(),
  z.string().refine((id) => !id.includes('\0')),
])

/** A cursor grants nothing: who may read, and the filters, are looked at for every page anew. */
export function encodeAuditCursor(filters: unknown, { at, id }: AuditPosition): string {
  const instant = at.toISOString()
  const parts: z.infer<typeof cursorSchema> = [
    VERSION,
    'audit',
    cursorHash([filters, instant, id]),
    instant,
    id,
  ]
  return encodeCursorText(parts)
}

/** Reads a cursor strictly; undefined when it is malformed, changed, or belongs to other filters. */
export function decodeAuditCursor(filters: unknown, cursor: string): AuditPosition | undefined {
  const parsed = cursorSchema.safeParse(decodeCursorText(cursor))
  if (!parsed.success) return undefined
  const [, , hash, instant, id] = parsed.data
  const at = parseIsoInstant(instant)
  return at && hash === cursorHash([filters, instant, id]) ? { at, id } : undefined
}
