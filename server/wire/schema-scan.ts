import { z } from 'zod'

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
    const { type } = definitionOf(next)
    found ||= type === 'date' || type === 'bigint'
    for (const child of inputChildren(next)) seen.add(child)
  }
  // Without a scalar, none of the schemas it reaches has one; with one, only the root is sure.
  for (const each of found ? [schema] : seen) expectations.set(each, found)
  return found
}

/** Whether a schema is, or reaches, one that matches. */
export function reaches(schema: Schema, matches: (schema: Schema) => boolean): boolean {
  const seen = new Set([schema])
  for (const next of seen) {
    if (matches(next)) return true
    for (const child of inputChildren(next)) seen.add(child)
  }
  return false
}

function inputChildren(schema: Schema): readonly Schema[] {
  const def = definitionOf(schema)
  switch (def.type) {
    case 'object':
      return [...Object.values(def.shape), ...(def.catchall ? [def.catchall] : [])]
    case 'array':
      return [def.element]
    case 'tuple':
      return [...def.items, ...(def.rest ? [def.rest] : [])]
    case 'record':
      return [def.valueType]
    case 'union':
      return def.options
    case 'intersection':
      return [def.left, def.right]
    case 'pipe':
      return [def.in]
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
      return [def.innerType]
    case 'lazy': {
      const target = lazyTarget(schema)
      return target ? [target] : []
    }
    default:
      return []
  }
}
