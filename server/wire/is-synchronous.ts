import type { z } from 'zod'
import { definitionOf, lazyTarget } from './schema-scan.ts'

type Schema = z.core.$ZodType

/** Checks of zod's own, none of which waits for anything. Whatever else there is may be a function of the app. */
const OWN_CHECKS: ReadonlySet<string> = new Set([
  'less_than',
  'greater_than',
  'multiple_of',
  'number_format',
  'bigint_format',
  'max_size',
  'min_size',
  'size_equals',
  'max_length',
  'min_length',
  'length_equals',
  'string_format',
])

/**
 * Whether a schema certainly needs no promise to parse: it has no function of the app in it, such as a `refine` or a
 * `transform`. Zod parses such a schema much faster when it is told so.
 */
export function isSynchronous(schema: Schema): boolean {
  const seen = new Set([schema])
  for (const next of seen) {
    const parts = hasOwnChecks(next) ? partsOf(next) : undefined
    if (!parts) return false
    for (const part of parts) seen.add(part)
  }
  return true
}

function hasOwnChecks({ _zod: { def } }: Schema): boolean {
  const checks = [...('check' in def ? [def] : []), ...(def.checks ?? []).map((check) => check._zod.def)]
  // A string format of the app's own has its function there.
  return checks.every((check) => 'check' in check && OWN_CHECKS.has(String(check.check)) && !('fn' in check))
}

/** The schemas that a schema is made of; undefined where that is not known. */
function partsOf(schema: Schema): readonly Schema[] | undefined {
  const def = definitionOf(schema)
  switch (def.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
    case 'date':
    case 'null':
    case 'undefined':
    case 'any':
    case 'unknown':
    case 'never':
    case 'literal':
    case 'enum':
      return []
    case 'object':
      return [...Object.values(def.shape), ...(def.catchall ? [def.catchall] : [])]
    case 'array':
      return [def.element]
    case 'tuple':
      return [...def.items, ...(def.rest ? [def.rest] : [])]
    case 'record':
      return [def.keyType, def.valueType]
    case 'union':
      return def.options
    case 'optional':
    case 'nullable':
    case 'default':
    case 'readonly':
    case 'nonoptional':
      return [def.innerType]
    case 'lazy': {
      const target = lazyTarget(schema)
      return target ? [target] : undefined
    }
    default:
      return undefined
  }
}
