import type { IssueInfo } from '../core/result.ts'
import { pathSegment } from './issues.ts'
import { MAX_DEPTH, MAX_VALUES } from './plain-data.ts'

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issue: IssueInfo }

const utf8 = new TextDecoder('utf-8', { fatal: true })

// The engine quotes the body in its messages; only the position may leave this file.
const POSITION = / at position (\d+)(?: \(line \d+ column \d+\))?$/

/**
 * Parses a request body: strict UTF-8, a byte order mark is ignored, and no bytes at all mean `{}`. Of
 * duplicate keys the last one wins. The issue never quotes the body.
 */
export function parseJson(bytes: Uint8Array): ParsedJson {
  const text = decodeUtf8(bytes)
  if (text === undefined) return refuse('Body is not valid UTF-8: send JSON encoded as UTF-8.')
  if (text === '') return { ok: true, value: {} }
  const oversize = findOversize(bytes)
  if (oversize) return { ok: false, issue: oversize }
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch (error) {
    const position = POSITION.exec(error instanceof Error ? error.message : '')?.[1]
    return refuse(`Body is not valid JSON${position === undefined ? '' : ` at position ${position}`}.`)
  }
}

/** Strictly: undefined for what is no UTF-8. A byte order mark is left out. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function refuse(message: string): ParsedJson {
  return { ok: false, issue: { path: [], message } }
}

/** A batch has an envelope about each of its inputs, and they share a body. */
const MAX_BODY_VALUES = 2 * MAX_VALUES
/** Far more than an input and its envelopes take: what is only somewhat too deep is told by its path later. */
const MAX_BODY_DEPTH = 10 * MAX_DEPTH

/** A longer key is not named. */
const MAX_KEY_BYTES = 200

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Finds out, before a JSON text is parsed, that it would make far more values than an input may have: a megabyte of
 * brackets becomes thirty of arrays. What is no JSON is left to the parser.
 */
export function findOversize(json: Uint8Array): IssueInfo | undefined {
  // Each value takes a byte at least, and one between them.
  if (json.byteLength < MAX_BODY_DEPTH) return undefined
  let values = 0
  /** Where the text began that was read last on the outermost level: the key of what is read. */
  let keyAt = -1
  let depth = 0
  let isInText = false
  for (let position = 0; position < json.length; position++) {
    const byte = json[position]
    if (isInText) {
      if (byte === BACKSLASH) position++
      else if (byte === QUOTE) isInText = false
    } else if (byte === QUOTE) {
      isInText = true
      if (depth === 1) keyAt = position
    } else if (byte === COMMA) values++
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      values++
      depth++
      if (depth > MAX_BODY_DEPTH)
        return tooMuch(`Nesting is too deep: at most ${MAX_DEPTH} levels`, keyOf(json, keyAt))
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--
    if (values > MAX_BODY_VALUES)
      return tooMuch(`There are too many values: at most ${MAX_VALUES}`, keyOf(json, keyAt))
  }
  return undefined
}

function tooMuch(what: string, key: string | undefined): IssueInfo {
  return {
    path: key === undefined ? [] : [pathSegment(key)],
    message: `${what} are allowed in an input.`,
  }
}

/** The key that begins at a position; undefined where an object does not have it. */
function keyOf(json: Uint8Array, at: number): string | undefined {
  const text = Buffer.from(json.subarray(at, at + MAX_KEY_BYTES)).toString('utf8')
  return at < 0 ? undefined : /^"([^"\\]*)"\s*:/.exec(text)?.[1]
}
