/// <reference lib="es2024.string" />
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Failure, fail } from '../core/result.ts'
import { parseIsoInstant } from './scalars.ts'
import { canonicalJson } from './to-json.ts'

/** What a page's cursor belongs to: a list, and whatever else decides which entries it has and in which order. */
export interface CursorScope {
  readonly list: string
  readonly filters: unknown
}

/** Where the next page starts: after the entry with these values. */
export type CursorPosition = readonly (string | number | null)[]

const VERSION = 1
/** Longer cursors are not read. */
const MAX_CURSOR_LENGTH = 8_192
const DIGEST_LENGTH = 16

const cursorSchema = z.tuple([z.literal(VERSION), z.string(), z.string()], z.unknown())

/** A text of a position, as Postgres can hold it. */
export const positionText = z.string().refine((text) => text.isWellFormed() && !text.includes('\0'))

/**
 * Writes a cursor: JSON in base64url, for no one to look into. It grants nothing: who may read, and the filters, are
 * looked at for every page again.
 */
export function encodeCursor(scope: CursorScope, position: CursorPosition): string {
  const parts: z.infer<typeof cursorSchema> = [VERSION, scope.list, belonging(scope, position), ...position]
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** Reads a cursor strictly: undefined when it is malformed, changed, or belongs to another list or other filters. */
export function decodeCursor<T extends CursorPosition>(
  scope: CursorScope,
  position: z.ZodType<T>,
  cursor: string,
): T | undefined {
  const parsed = cursorSchema.safeParse(partsOf(cursor))
  if (!parsed.success) return undefined
  const [, list, digest, ...rest] = parsed.data
  const { data } = position.safeParse(rest)
  return data && list === scope.list && digest === belonging(scope, data) ? data : undefined
}

function partsOf(cursor: string): unknown {
  if (cursor.length > MAX_CURSOR_LENGTH) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.toString('base64url') !== cursor) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function belonging({ filters }: CursorScope, position: CursorPosition): string {
  return digestOf([filters, JSON.stringify(position)])
}

/** Tells values apart by few characters. It is no secret. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url').slice(0, DIGEST_LENGTH)
}

/** The last entry of a page of a list by time. */
export interface InstantPosition {
  readonly at: Date
  readonly id: string
}

const instantPosition = z.tuple([positionText, positionText])

/** Writes a cursor of a list by time. */
export function encodeInstantCursor(scope: CursorScope, { at, id }: InstantPosition): string {
  return encodeCursor(scope, [at.toISOString(), id])
}

/** Reads a cursor of a list by time, as strictly. */
export function decodeInstantCursor(scope: CursorScope, cursor: string): InstantPosition | undefined {
  const [instant, id] = decodeCursor(scope, instantPosition, cursor) ?? []
  const at = instant === undefined ? undefined : parseIsoInstant(instant)
  return at && id !== undefined ? { at, id } : undefined
}

/** Refuses a cursor that was not made for what it is given with. */
export function foreignCursor(list: string, same: string): Failure {
  const message = `does not belong to this ${list}; pass nextCursor of the page before, ${same}`
  return fail('BAD_REQUEST', `cursor: ${message}`, {
    issues: [{ path: ['cursor'], message, code: 'invalid_argument' }],
  })
}
