import { z } from 'zod'
import { cursorHash, decodeCursorText, encodeCursorText } from '../wire/cursor-text.ts'

const VERSION = 1
const cursorSchema = z.tuple([z.literal(VERSION), z.literal('credits'), z.string(), z.int().positive()])

/** A cursor grants nothing: whose statement may be read is looked at for every page anew. */
export function encodeStatementCursor(account: string, seq: number): string {
  const parts: z.infer<typeof cursorSchema> = [VERSION, 'credits', cursorHash([account, seq]), seq]
  return encodeCursorText(parts)
}

/** The last entry of the page before; undefined when the cursor is malformed, changed, or another account's. */
export function decodeStatementCursor(account: string, cursor: string): number | undefined {
  const parsed = cursorSchema.safeParse(decodeCursorText(cursor))
  if (!parsed.success) return undefined
  const [, , hash, seq] = parsed.data
  return hash === cursorHash([account, seq]) ? seq : undefined
}
