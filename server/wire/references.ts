import { isRecord } from '../core/is-record.ts'
import type { IssueInfo } from '../core/result.ts'
import { resolvePath, splitPath } from './annotation-path.ts'
import { MAX_DEPTH } from './guard.ts'

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
export function checkReferences(json: unknown, equalities: unknown, version: 0 | 1): IssueInfo | undefined {
  const places = listPlaces(equalities)
  if (!places) return refuse('referentialEqualities are malformed.')
  if (places.length > MAX_REFERENCES) {
    return refuse(`Too many shared references: at most ${MAX_REFERENCES} are allowed.`)
  }
  for (const place of places) {
    const segments = splitPath(place, version)
    const target = segments && segments.length <= MAX_DEPTH ? resolvePath(json, segments) : undefined
    if (target === null)
      return refuse('Input refers to itself, or leaves out repeated values: send plain data.')
    if (target === undefined) return refuse('A shared reference names a place that json does not hold.')
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

function refuse(message: string): IssueInfo {
  return { path: [], message }
}
