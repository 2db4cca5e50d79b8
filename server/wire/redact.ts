import { z } from 'zod'
import { isRecord } from './record.ts'
import { definitionOf, lazyTarget, reaches } from './schema-scan.ts'

type Schema = z.core.$ZodType

const SECRET = '[secret]'

/**
 * A copy of a parsed input without the values of the fields that its schema marks with `.meta({ secret: true })`.
 * Where a value could be of several schemas, it is left out if any of them marks it.
 */
export function redact(schema: Schema, value: unknown): unknown {
  if (value === undefined || !mayHoldSecret(schema)) return value
  if (isSecret(schema)) return SECRET
  const def = definitionOf(schema)
  switch (def.type) {
    case 'object':
      return mapRecord(value, (key, member) => {
        const of = Object.hasOwn(def.shape, key) ? def.shape[key] : def.catchall
        return of ? redact(of, member) : member
      })
    case 'record':
      return mapRecord(value, (_key, member) => redact(def.valueType, member))
    case 'array':
      return mapList(value, (member) => redact(def.element, member))
    case 'tuple':
      return mapList(value, (member, at) => {
        const of = def.items[at] ?? def.rest
        return of ? redact(of, member) : member
      })
    case 'union':
      return def.options.reduce((left: unknown, option) => redact(option, left), value)
    case 'intersection':
      return redact(def.right, redact(def.left, value))
    case 'pipe':
      // What a transform has made of a secret may have another name, and another shape.
      if (isTransformed(def)) return [def.in, def.out].some((end) => reaches(end, isSecret)) ? SECRET : value
      return redact(def.out, redact(def.in, value))
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
      return redact(def.innerType, value)
    case 'lazy': {
      const target = lazyTarget(schema)
      return target ? redact(target, value) : value
    }
    default:
      return value
  }
}

const secrets = new WeakMap<Schema, boolean>()

/** Whether there is anything to leave out. Computed once per schema. */
function mayHoldSecret(schema: Schema): boolean {
  const known = secrets.get(schema)
  if (known !== undefined) return known
  // A schema that holds itself is asked about while it is being looked through.
  secrets.set(schema, true)
  const found = reaches(schema, (next) => {
    const def = definitionOf(next)
    return isSecret(next) || (def.type === 'pipe' && mayHoldSecret(def.out))
  })
  secrets.set(schema, found)
  return found
}

function isTransformed(pipe: z.core.$ZodPipeDef): boolean {
  return 'transform' in pipe || [pipe.in, pipe.out].some((end) => definitionOf(end).type === 'transform')
}

function isSecret(schema: Schema): boolean {
  return z.globalRegistry.get(schema)?.secret === true
}

function mapRecord(value: unknown, turn: (key: string, member: unknown) => unknown): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, turn(key, member)]))
}

function mapList(value: unknown, turn: (member: unknown, at: number) => unknown): unknown {
  return Array.isArray(value) ? value.map(turn) : value
}
