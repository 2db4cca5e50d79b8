import { z } from 'zod'
import { cursorHash, decodeCursorText, encodeCursorText } from './cursor-text.ts'
import { parseIsoInstant } from './scalars.ts'

/** The last entry of a page, after which the next one starts. */
export interface InstantPosition {
  readonly at: Date
  readonly id: string
}

const VERSION = 1

const cursorSchema = z.tuple([
  z.literal(VERSION),
  z.string(),
  z.string(),
  z.string(),
  z.string().refine((id) => !id.includes('\0')),
])

/** A cursor of a list by time. It grants nothing: who may read, and the filters, are looked at for every page anew. */
export function encodeInstantCursor(list: string, filters: unknown, { at, id }: InstantPosition): string {
  const instant = at.toISOString()
  const hash = cursorHash([filters, instant, id])
  const parts: z.infer<typeof cursorSchema> = [VERSION, list, hash, instant, id]
  return encodeCursorText(parts)
}

/** Reads a cursor strictly; undefined when it is malformed, changed, or belongs to another list or other filters. */
export function decodeInstantCursor(
  list: string,
  filters: unknown,
  cursor: string,
): InstantPosition | undefined {
  const parsed = cursorSchema.safeParse(decodeCursorText(cursor))
  if (!parsed.success) return undefined
  const [, name, hash, instant, id] = parsed.data
  const at = parseIsoInstant(instant)
  return at && name === list && hash === cursorHash([filters, instant, id]) ? { at, id } : undefined
}
