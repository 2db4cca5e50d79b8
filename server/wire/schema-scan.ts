import { z } from 'zod'
import { DefinitionError } from '../core/errors.ts'

type Schema = z.core.$ZodType

const expectations = new WeakMap<Schema, boolean>()

/** Gives a schema's definition as the closed union that can be switched on by `type`. */
export function definitionOf(schema: Schema): z.core.$ZodTypes['_zod']['def'] {
  // Zod's own way for tools: every schema it builds is one of $ZodTypes; `type` is read before anything else.
  return (schema as z.core.$ZodTypes)._zod.def
}

/** Whether a schema takes an object and refuses a key that it does not know, where others would drop it silently. */
export function isStrictObject(schema: Schema): boolean {
  return schema instanceof z.ZodObject && schema.def.catchall instanceof z.ZodNever
}

/** Gives the schema behind a `z.lazy`, which zod evaluates once. Other schemas have none. */
export function lazyTarget(schema: Schema): Schema | undefined {
  return schema instanceof z.core.$ZodLazy ? schema._zod.innerType : undefined
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
    for (const part of partsOf(next)) seen.add(part)
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
    const found = partsOf(each).some(visit)
    open.delete(each)
    closed.add(each)
    return found
  }
  return visit(schema)
}

function isScalar(schema: Schema): boolean {
  const def = definitionOf(schema)
  switch (def.type) {
    case 'date':
    case 'bigint':
      return true
    case 'literal':
      return def.values.some((value) => typeof value === 'bigint')
    default:
      return hasOwnRule(schema)
  }
}

/** Whether what a schema takes is known to a function of the app's alone, which may well ask for a date. */
export function hasOwnRule(schema: Schema): boolean {
  const { type, checks = [] } = definitionOf(schema)
  return type === 'custom' || ((type === 'any' || type === 'unknown') && checks.length > 0)
}

/** Whether a schema takes anything, so that what it expects is said by what it hands on to, if by anything. */
export function takesAnything(schema: Schema): boolean {
  const def = definitionOf(schema)
  switch (def.type) {
    case 'any':
    case 'unknown':
    case 'custom':
    case 'transform':
      return true
    case 'pipe':
      return takesAnything(def.in)
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
      return takesAnything(def.innerType)
    default:
      return false
  }
}

/** The schemas that what is sent meets, with what a function may have made of it where it could be anything. */
function inputChildren(schema: Schema): readonly Schema[] {
  const def = definitionOf(schema)
  switch (def.type) {
    case 'pipe':
      return takesAnything(def.in) ? [def.in, def.out] : [def.in]
    case 'record':
      return [def.valueType]
    case 'template_literal':
    case 'function':
      return []
    default:
      return partsOf(schema)
  }
}

/** All that a schema is directly made of: what is sent, what comes of it, keys and values. */
export function partsOf(schema: Schema): readonly Schema[] {
  const def = definitionOf(schema)
  switch (def.type) {
    case 'object':
      return [...Object.values(def.shape), ...(def.catchall ? [def.catchall] : [])]
    case 'array':
      return [def.element]
    case 'tuple':
      return [...def.items, ...(def.rest ? [def.rest] : [])]
    case 'record':
    case 'map':
      return [def.keyType, def.valueType]
    case 'set':
      return [def.valueType]
    case 'union':
      return def.options
    case 'intersection':
      return [def.left, def.right]
    case 'pipe':
      return [def.in, def.out]
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
    case 'success':
    case 'promise':
      return [def.innerType]
    case 'lazy': {
      const target = lazyTarget(schema)
      return target ? [target] : []
    }
    case 'template_literal':
      return def.parts.filter((part) => part instanceof z.core.$ZodType)
    case 'function':
      return [def.input, def.output]
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
    case 'date':
    case 'symbol':
    case 'undefined':
    case 'null':
    case 'void':
    case 'any':
    case 'unknown':
    case 'never':
    case 'nan':
    case 'literal':
    case 'enum':
    case 'file':
    case 'transform':
    case 'custom':
      return []
    default:
      // A kind that zod gets one day does not compile here.
      return def satisfies never
  }
}
