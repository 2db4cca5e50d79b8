import { decodeInstantCursor, encodeInstantCursor, type InstantPosition } from '../wire/instant-cursor.ts'

/** Makes the cursor of the page that follows this entry. */
export function encodeAuditCursor(filters: unknown, position: InstantPosition): string {
  return encodeInstantCursor('audit', filters, position)
}

/** undefined when it is malformed, changed, or belongs to other filters. */
export function decodeAuditCursor(filters: unknown, cursor: string): InstantPosition | undefined {
  return decodeInstantCursor('audit', filters, cursor)
}
