import { z } from 'zod'
import { DefinitionError } from '../core/errors.ts'
import { type Schema, shapeOf } from './zod-schema.ts'

const expectations = new WeakMap<Schema, boolean>()

/** Whether a schema takes an object and refuses a key that it does not know, where others would drop it silently. */
export function isStrictObject(schema: Schema): boolean {
  return schema instanceof z.ZodObject && schema.def.catchall instanceof z.ZodNever
}

/** Whether a schema expects a date or a bigint anywhere in its input. Computed once per schema. */
export function expectsScalars(schema: Schema): boolean {
  const known = expectations.get(schema)
  if (known !== undefined) return known
  const seen = new Set([schema])
  let found = false
  for (const next of seen) {
    found ||= isScalar(next)
    for (const child of inputChildren(next)) seen.add(child)
  }
  // Without a scalar, none of the schemas it reaches has one; with one, only the root is sure.
  for (const each of found ? [schema] : seen) expectations.set(each, found)
  return found
}

const reached = new WeakMap<Schema, ReadonlySet<Schema>>()
const MAX_SCHEMAS = 20_000

/**
 * A schema and all that it is made of. Computed once per schema.
 *
 * @throws {DefinitionError} for a schema without an end.
 */
export function schemasOf(schema: Schema): ReadonlySet<Schema> {
  const known = reached.get(schema)
  if (known) return known
  const seen = new Set([schema])
  for (const next of seen) {
    for (const part of shapeOf(next).parts) seen.add(part)
    if (seen.size > MAX_SCHEMAS) {
      throw new DefinitionError(
        'A schema has no end: a z.lazy, or a getter of an object, must give the same schema each time it is asked',
      )
    }
  }
  reached.set(schema, seen)
  return seen
}

/** Whether a schema is, or is made of, one that matches. */
export function reaches(schema: Schema, matches: (schema: Schema) => boolean): boolean {
  for (const each of schemasOf(schema)) if (matches(each)) return true
  return false
}

/** Whether a schema, or one that it is made of, is made of itself. */
export function isRecursive(schema: Schema): boolean {
  const open = new Set<Schema>()
  const closed = new Set<Schema>()
  const visit = (each: Schema): boolean => {
    if (open.has(each)) return true
    if (closed.has(each)) return false
    open.add(each)
    const found = shapeOf(each).parts.some(visit)
    open.delete(each)
    closed.add(each)
    return found
  }
  return visit(schema)
}

/** Counts a schema and all that it is made of, each as often as it is used; where one is made of itself, once. */
export function writtenSize(schema: Schema): number {
  const sizes = new Map<Schema, number>()
  const visit = (each: Schema): number => {
    const known = sizes.get(each)
    if (known !== undefined) return known
    sizes.set(each, 1)
    const size = shapeOf(each).parts.reduce((sum, part) => sum + visit(part), 1)
    sizes.set(each, size)
    return size
  }
  return visit(schema)
}

function isScalar(schema: Schema): boolean {
  const shape = shapeOf(schema)
  switch (shape.kind) {
    case 'leaf':
      return shape.type === 'date' || shape.type === 'bigint'
    case 'literal':
      return shape.values.some((value) => typeof value === 'bigint')
    case 'anything':
      // What it takes is known to a function of the app's alone, which may well ask for a date.
      return shape.hasRule
    default:
      return false
  }
}

/** Whether a schema takes anything, so that what it expects is said by what it hands on to, if by anything. */
export function takesAnything(schema: Schema): boolean {
  const shape = shapeOf(schema)
  switch (shape.kind) {
    case 'anything':
    case 'transform':
      return true
    case 'pipe':
      return takesAnything(shape.in)
    case 'wrapper':
      return takesAnything(shape.inner)
    default:
      return false
  }
}

/** The schemas that what is sent meets, with what a function may have made of it where it could be anything. */
function inputChildren(schema: Schema): readonly Schema[] {
  const shape = shapeOf(schema)
  switch (shape.kind) {
    case 'pipe':
      return takesAnything(shape.in) ? [shape.in, shape.out] : [shape.in]
    case 'record':
      return [shape.value]
    case 'template':
    case 'function':
      return []
    default:
      return shape.parts
  }
}
