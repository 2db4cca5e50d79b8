import type { SuperJSONResult } from 'superjson'
import { isRecord } from '../core/is-record.ts'
import type { IssueInfo } from '../core/result.ts'
import { resolvePath, splitPath } from './annotation-path.ts'
import { MAX_DEPTH } from './guard.ts'
import { pathSegment } from './path.ts'
import { checkReferences } from './references.ts'
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
  return { ok: false, issue: { path: [], message } }
}

function toEnvelope(json: unknown, values: unknown, version: 0 | 1): SuperJSONResult {
  // The checks above are what makes this true: values is a tree of known annotations, json came from JSON.
  return { json, meta: values === undefined ? undefined : { values, v: version } } as SuperJSONResult
}
