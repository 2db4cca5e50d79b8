import { isRecord } from '../core/is-record.ts'

// superjson refuses them too. They are own keys at best, and a way to a prototype at worst.
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
const INDEX = /^(?:0|[1-9]\d*)$/

/**
 * Splits a path of superjson's at its dots. `\.` is a dot within a key and `\\` a backslash; envelopes from
 * before version 1 escape the dot only. A path that superjson would not understand gives undefined.
 */
export function splitPath(path: string, version: 0 | 1): readonly string[] | undefined {
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
export function resolvePath(root: unknown, segments: readonly string[]): unknown {
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
