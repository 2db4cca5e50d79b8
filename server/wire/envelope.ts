import type { SuperJSONResult } from 'superjson'
import { isRecord } from '../core/is-record.ts'
import type { IssueInfo } from '../core/result.ts'
import { pathSegment } from './issues.ts'
import { MAX_DEPTH } from './plain-data.ts'
import { parseDecimal, parseIsoInstant } from './scalars.ts'

export type CheckedEnvelope =
  | { readonly ok: true; readonly envelope: SuperJSONResult }
  | { readonly ok: false; readonly issue: IssueInfo }

/**
 * Checks an envelope from outside before superjson may read it. Allowed are the annotations Date, bigint and
 * undefined, and number for -0, each on a value of its form that `json` holds at that path. Shared references
 * are dropped, since `json` repeats their values; a cycle is refused.
 */
export function checkEnvelope(wire: unknown): CheckedEnvelope {
  if (!isRecord(wire) || !Object.hasOwn(wire, 'json') || !hasOnlyKeys(wire, ['json', 'meta'])) {
    return refuse('Input must be a superjson envelope: an object with json and, where needed, meta.')
  }
  const { json } = wire
  if (!Object.hasOwn(wire, 'meta')) return { ok: true, envelope: toEnvelope(json, undefined, 1) }
  const { meta } = wire
  if (!isRecord(meta) || !hasOnlyKeys(meta, ['values', 'referentialEqualities', 'v'])) {
    return refuse("superjson's meta may have values, referentialEqualities and v only.")
  }
  const { values, referentialEqualities } = meta
  const version = meta.v ?? 0
  if (version !== 0 && version !== 1) return refuse('Unknown version of superjson: send its version 1.')
  const issue =
    checkReferences(json, referentialEqualities, version) ??
    (values === undefined ? undefined : checkAnnotations(json, values, version, MAX_DEPTH))
  return issue ? { ok: false, issue } : { ok: true, envelope: toEnvelope(json, values, version) }
}

function checkAnnotations(json: unknown, node: unknown, version: 0 | 1, room: number): IssueInfo | undefined {
  if (Array.isArray(node)) return checkAnnotation(json, node)
  if (!isRecord(node))
    return { path: [], message: 'superjson annotations must be a tree of objects and arrays.' }
  for (const [key, child] of Object.entries(node)) {
    const segments = splitPath(key, version)
    if (!segments || segments.length > room) {
      return { path: [], message: 'A superjson annotation has a path that is malformed or too deep.' }
    }
    const target = resolvePath(json, segments)
    const issue =
      target === undefined
        ? { path: [], message: 'A superjson annotation stands here, but json holds no value.' }
        : checkAnnotations(target, child, version, room - segments.length)
    if (issue) return { ...issue, path: [...segments.map(pathSegment), ...issue.path] }
  }
  return undefined
}

function checkAnnotation(json: unknown, annotation: readonly unknown[]): IssueInfo | undefined {
  const message = annotation.length === 1 ? misfit(json, annotation[0]) : UNKNOWN_TYPE
  return message === undefined ? undefined : { path: [], message }
}

const UNKNOWN_TYPE =
  'Value has a type that is not accepted: beyond JSON, send Date, bigint and undefined only.'

function misfit(json: unknown, type: unknown): string | undefined {
  const text = typeof json === 'string' ? json : ''
  switch (type) {
    case 'Date':
      return parseIsoInstant(text)
        ? undefined
        : 'Date must be ISO 8601 text with a zone, in the years 1 to 9999.'
    case 'bigint':
      return parseDecimal(text) === undefined ? 'bigint must be text of 1 to 40 decimal digits.' : undefined
    case 'undefined':
      return json === null ? undefined : 'undefined must stand on null.'
    case 'number':
      return json === '-0' ? undefined : 'Number must be finite.'
    default:
      return UNKNOWN_TYPE
  }
}

function hasOnlyKeys(record: Record<string, unknown>, allowed: readonly string[]): boolean {
  return Object.keys(record).every((key) => allowed.includes(key))
}

function refuse(message: string): CheckedEnvelope {
  return { ok: false, issue: toIssue(message) }
}

function toIssue(message: string): IssueInfo {
  return { path: [], message }
}

function toEnvelope(json: unknown, values: unknown, version: 0 | 1): SuperJSONResult {
  // The checks above are what makes this true: values is a tree of known annotations, json came from JSON.
  return { json, meta: values === undefined ? undefined : { values, v: version } } as SuperJSONResult
}

/**
 * How many places superjson may name as shared. Its clients name every repetition of an object, a Date or a
 * bigint, so a long list with the same amount in each row is honest.
 */
const MAX_REFERENCES = 50_000

/**
 * Checks superjson's `referentialEqualities`, which are never followed: `json` repeats shared values in full.
 * The one exception is a cycle (or a client with `dedupe`), where the place it names holds null. To ignore
 * that would change the input, so it is refused.
 */
function checkReferences(json: unknown, equalities: unknown, version: 0 | 1): IssueInfo | undefined {
  const places = listPlaces(equalities)
  if (!places) return toIssue('referentialEqualities are malformed.')
  if (places.length > MAX_REFERENCES) {
    return toIssue(`Too many shared references: at most ${MAX_REFERENCES} are allowed.`)
  }
  for (const place of places) {
    const segments = splitPath(place, version)
    const target = segments && segments.length <= MAX_DEPTH ? resolvePath(json, segments) : undefined
    if (target === null)
      return toIssue('Input refers to itself, or leaves out repeated values: send plain data.')
    if (target === undefined) return toIssue('A shared reference names a place that json does not hold.')
  }
  return undefined
}

/** Lists every path of `{ path: paths }`, `[pathsOfRoot]` or `[pathsOfRoot, { path: paths }]`. */
function listPlaces(equalities: unknown): string[] | undefined {
  if (equalities === undefined) return []
  const [ofRoot, others, ...rest]: readonly unknown[] = Array.isArray(equalities)
    ? equalities
    : [[], equalities]
  if (rest.length > 0 || !isTextList(ofRoot) || !(others === undefined || isRecord(others))) return undefined
  const places = [...ofRoot]
  for (const [path, same] of Object.entries(others ?? {})) {
    if (!isTextList(same)) return undefined
    places.push(path)
    for (const each of same) places.push(each)
  }
  return places
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

// superjson refuses them too. They are own keys at best, and a way to a prototype at worst.
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
const INDEX = /^(?:0|[1-9]\d*)$/

/**
 * Splits a path of superjson's at its dots. `\.` is a dot within a key and `\\` a backslash; envelopes from
 * before version 1 escape the dot only. A path that superjson would not understand gives undefined.
 */
function splitPath(path: string, version: 0 | 1): readonly string[] | undefined {
  if (!path.includes('\\')) return path.split('.')
  const segments: string[] = []
  let segment = ''
  for (let at = 0; at < path.length; at++) {
    const char = path.charAt(at)
    const next = path.charAt(at + 1)
    if (char === '\\' && (next === '.' || (version === 1 && next === '\\'))) {
      segment += next
      at++
    } else if (char === '\\' && version === 1) {
      return undefined
    } else if (char === '.') {
      segments.push(segment)
      segment = ''
    } else {
      segment += char
    }
  }
  return [...segments, segment]
}

/** Follows a path through parsed JSON, over own properties only. Undefined when it leads nowhere. */
function resolvePath(root: unknown, segments: readonly string[]): unknown {
  let value = root
  for (const segment of segments) {
    if (FORBIDDEN.has(segment)) return undefined
    if (Array.isArray(value)) {
      value = INDEX.test(segment) ? value[Number(segment)] : undefined
    } else if (isRecord(value) && Object.hasOwn(value, segment)) {
      value = value[segment]
    } else {
      return undefined
    }
  }
  return value
}
