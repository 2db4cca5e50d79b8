import { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import { reaches } from './schema-scan.ts'
import { itemOf, propertyOf, type Schema, schemasOfChecks, shapeOf } from './zod-schema.ts'

export const SECRET = '[secret]'

/**
 * A copy of a parsed input without what its schema marks with `.meta({ secret: true })`, keys of records included.
 * Where a value could be of several schemas, it is left out if any of them marks it; and where a schema holds a mark
 * that cannot be followed into the value, all of the value is.
 */
export function redact(schema: Schema, value: unknown): unknown {
  if (value === undefined || !mayHoldSecret(schema)) return value
  if (isSecret(schema)) return SECRET
  const shape = shapeOf(schema)
  switch (shape.kind) {
    case 'object':
      return mapRecord(value, (key, member) => {
        const of = propertyOf(shape, key)
        return [key, of ? redact(of, member) : member]
      })
    case 'record':
      return mapRecord(value, (key, member, at) => [
        mayHoldSecret(shape.key) ? numbered(at) : key,
        redact(shape.value, member),
      ])
    case 'map':
      return value instanceof Map
        ? new Map([...value].map(([key, member]) => [redact(shape.key, key), redact(shape.value, member)]))
        : SECRET
    case 'set':
      return value instanceof Set ? new Set([...value].map((member) => redact(shape.item, member))) : SECRET
    case 'array':
      return mapList(value, (member) => redact(shape.item, member))
    case 'tuple':
      return mapList(value, (member, at) => {
        const of = itemOf(shape, at)
        return of ? redact(of, member) : member
      })
    case 'union': {
      const options = shape.options.filter((option) => mayBeOf(option, value))
      return options.length === 0
        ? SECRET
        : options.reduce((left: unknown, option) => (left === SECRET ? left : redact(option, left)), value)
    }
    case 'intersection':
      return redact(shape.right, redact(shape.left, value))
    case 'pipe':
      // What a transform has made of a secret may have another name, and another shape.
      return shape.isTransformed ? SECRET : redact(shape.out, redact(shape.in, value))
    case 'wrapper':
      return shape.type === 'nullable' && value === null ? null : redact(shape.inner, value)
    case 'lazy':
      return redact(shape.inner, value)
    case 'success':
      return typeof value === 'boolean' ? value : SECRET
    case 'leaf':
    case 'literal':
    case 'anything':
    case 'transform':
    case 'promise':
    case 'template':
    case 'function':
    case 'unrecognized':
      return SECRET
    default:
      return shape satisfies never
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
  const shape = shapeOf(schema)
  if (shape.kind === 'unrecognized') return true
  return (shape.kind === 'record' || shape.kind === 'map') && mayHoldSecret(shape.key)
}

/** A schema and those that look at the same value. */
function layersOf(schema: Schema): readonly Schema[] {
  const seen = new Set([schema])
  for (const each of seen) if (!isContainer(each)) for (const part of shapeOf(each).parts) seen.add(part)
  return [...seen]
}

function containersOf(schema: Schema): readonly Schema[] {
  return layersOf(schema).filter(isContainer)
}

const CONTAINERS: readonly string[] = ['object', 'record', 'map', 'set', 'array', 'tuple', 'unrecognized']

function isContainer(schema: Schema): boolean {
  return CONTAINERS.includes(shapeOf(schema).kind)
}

function partsBelow(schema: Schema, segment: string | number): readonly Schema[] {
  const shape = shapeOf(schema)
  // What is below it is as little known as what it is.
  if (shape.kind === 'unrecognized') return [schema]
  if (shape.kind !== 'object') return shape.parts
  const of = propertyOf(shape, segment)
  return of ? [of] : []
}

const secrets = new WeakMap<Schema, boolean>()

/** Whether there is anything to leave out. Computed once per schema. */
function mayHoldSecret(schema: Schema): boolean {
  const known = secrets.get(schema)
  if (known !== undefined) return known
  const found = reaches(schema, (each) => isSecret(each) || shapeOf(each).kind === 'unrecognized')
  secrets.set(schema, found)
  return found
}

/** Whether a value has the outward form of what a schema gives. */
function mayBeOf(schema: Schema, value: unknown): boolean {
  const shape = shapeOf(schema)
  switch (shape.kind) {
    case 'leaf':
      return mayBeLeaf(shape.type, value)
    case 'object':
    case 'record':
      return isRecord(value)
    case 'array':
    case 'tuple':
      return Array.isArray(value)
    case 'template':
      return typeof value === 'string'
    case 'map':
      return value instanceof Map
    case 'set':
      return value instanceof Set
    case 'wrapper':
      if (shape.type === 'nullable') return value === null || mayBeOf(shape.inner, value)
      return (shape.type !== 'readonly' && shape.type !== 'nonoptional') || mayBeOf(shape.inner, value)
    default:
      return true
  }
}

function mayBeLeaf(type: string, value: unknown): boolean {
  switch (type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return typeof value === type
    case 'null':
      return value === null
    case 'date':
      return value instanceof Date
    default:
      return true
  }
}

function isSecret(schema: Schema): boolean {
  if (z.globalRegistry.get(schema)?.secret === true) return true
  // What a check looks at with a schema of its own, such as a property, is in no place that could be followed.
  return schemasOfChecks(schema).some((inner) => reaches(inner, isSecret))
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
