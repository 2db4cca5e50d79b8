import { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import { definitionOf, lazyTarget, partsOf, reaches } from './schema-scan.ts'

type Schema = z.core.$ZodType

const SECRET = '[secret]'

/**
 * A copy of a parsed input without what its schema marks with `.meta({ secret: true })`, keys of records included.
 * Where a value could be of several schemas, it is left out if any of them marks it; and where a schema holds a mark
 * that cannot be followed into the value, all of the value is.
 */
export function redact(schema: Schema, value: unknown): unknown {
  if (value === undefined || !mayHoldSecret(schema)) return value
  if (isSecret(schema)) return SECRET
  const def = definitionOf(schema)
  switch (def.type) {
    case 'object':
      return mapRecord(value, (key, member) => {
        const of = Object.hasOwn(def.shape, key) ? def.shape[key] : def.catchall
        return [key, of ? redact(of, member) : member]
      })
    case 'record':
      return mapRecord(value, (key, member, at) => [
        mayHoldSecret(def.keyType) ? numbered(at) : key,
        redact(def.valueType, member),
      ])
    case 'map':
      return value instanceof Map
        ? new Map(
            [...value].map(([key, member]) => [redact(def.keyType, key), redact(def.valueType, member)]),
          )
        : SECRET
    case 'set':
      return value instanceof Set
        ? new Set([...value].map((member) => redact(def.valueType, member)))
        : SECRET
    case 'array':
      return mapList(value, (member) => redact(def.element, member))
    case 'tuple':
      return mapList(value, (member, at) => {
        const of = def.items[at] ?? def.rest
        return of ? redact(of, member) : member
      })
    case 'union': {
      const options = def.options.filter((option) => mayBeOf(option, value))
      return options.length === 0
        ? SECRET
        : options.reduce((left: unknown, option) => (left === SECRET ? left : redact(option, left)), value)
    }
    case 'intersection':
      return redact(def.right, redact(def.left, value))
    case 'pipe':
      // What a transform has made of a secret may have another name, and another shape.
      return isTransformed(def) ? SECRET : redact(def.out, redact(def.in, value))
    case 'nullable':
      return value === null ? null : redact(def.innerType, value)
    case 'optional':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
      return redact(def.innerType, value)
    case 'success':
      return typeof value === 'boolean' ? value : SECRET
    case 'lazy': {
      const target = lazyTarget(schema)
      return target ? redact(target, value) : SECRET
    }
    default:
      return SECRET
  }
}

/** A path into an input, without the keys of records that are marked. */
export function redactPath(schema: Schema, path: readonly (string | number)[]): readonly (string | number)[] {
  if (!mayHoldSecret(schema)) return path
  let at: readonly Schema[] = [schema]
  return path.map((segment) => {
    const here = at.flatMap((each) => containersOf(each))
    at = here.flatMap((each) => partsBelow(each, segment))
    return here.some(hasSecretKeys) ? SECRET : segment
  })
}

/** Whether what is found at a path is marked, or its keys are: then nothing is said of it but that it does not fit. */
export function isSecretAt(schema: Schema, path: readonly (string | number)[]): boolean {
  if (!mayHoldSecret(schema)) return false
  const at = path.reduce<readonly Schema[]>(
    (schemas, segment) => schemas.flatMap(containersOf).flatMap((each) => partsBelow(each, segment)),
    [schema],
  )
  return at.some((each) => layersOf(each).some((layer) => isSecret(layer) || hasSecretKeys(layer)))
}

function hasSecretKeys(schema: Schema): boolean {
  const def = definitionOf(schema)
  return (def.type === 'record' || def.type === 'map') && mayHoldSecret(def.keyType)
}

/** A schema and those that look at the same value. */
function layersOf(schema: Schema): readonly Schema[] {
  const seen = new Set([schema])
  for (const each of seen) {
    if (!CONTAINERS.has(definitionOf(each).type)) for (const part of partsOf(each)) seen.add(part)
  }
  return [...seen]
}

function containersOf(schema: Schema): readonly Schema[] {
  return layersOf(schema).filter((each) => CONTAINERS.has(definitionOf(each).type))
}

const CONTAINERS: ReadonlySet<string> = new Set(['object', 'record', 'map', 'set', 'array', 'tuple'])

function partsBelow(schema: Schema, segment: string | number): readonly Schema[] {
  const def = definitionOf(schema)
  if (def.type !== 'object') return partsOf(schema)
  const of = Object.hasOwn(def.shape, segment) ? def.shape[segment] : def.catchall
  return of ? [of] : []
}

const secrets = new WeakMap<Schema, boolean>()

/** Whether there is anything to leave out. Computed once per schema. */
function mayHoldSecret(schema: Schema): boolean {
  const known = secrets.get(schema)
  if (known !== undefined) return known
  const found = reaches(schema, isSecret)
  secrets.set(schema, found)
  return found
}

/** Whether a value has the outward form of what a schema gives. */
function mayBeOf(schema: Schema, value: unknown): boolean {
  const def = definitionOf(schema)
  switch (def.type) {
    case 'object':
    case 'record':
      return isRecord(value)
    case 'array':
    case 'tuple':
      return Array.isArray(value)
    case 'string':
    case 'template_literal':
      return typeof value === 'string'
    case 'number':
    case 'boolean':
    case 'bigint':
      return typeof value === def.type
    case 'null':
      return value === null
    case 'date':
      return value instanceof Date
    case 'map':
      return value instanceof Map
    case 'set':
      return value instanceof Set
    case 'readonly':
    case 'nonoptional':
      return mayBeOf(def.innerType, value)
    case 'nullable':
      return value === null || mayBeOf(def.innerType, value)
    default:
      return true
  }
}

function isTransformed(pipe: z.core.$ZodPipeDef): boolean {
  return 'transform' in pipe || [pipe.in, pipe.out].some((end) => definitionOf(end).type === 'transform')
}

function isSecret(schema: Schema): boolean {
  if (z.globalRegistry.get(schema)?.secret === true) return true
  // What a check looks at with a schema of its own, such as a property, is in no place that could be followed.
  return (definitionOf(schema).checks ?? []).some(({ _zod: { def } }) => {
    const inner = 'schema' in def ? def.schema : undefined
    return inner instanceof z.core.$ZodType && reaches(inner, isSecret)
  })
}

function mapRecord(
  value: unknown,
  turn: (key: string, member: unknown, at: number) => readonly [key: string, member: unknown],
): unknown {
  if (!isRecord(value)) return SECRET
  return Object.fromEntries(Object.entries(value).map(([key, member], at) => turn(key, member, at)))
}

/** Marked keys are told apart, or one would take the place of another. */
function numbered(at: number): string {
  return at === 0 ? SECRET : `${SECRET} ${at + 1}`
}

function mapList(value: unknown, turn: (member: unknown, at: number) => unknown): unknown {
  return Array.isArray(value) ? value.map(turn) : SECRET
}
