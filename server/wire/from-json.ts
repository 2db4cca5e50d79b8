import { z } from 'zod'
import { isRecord } from './record.ts'
import { parseDecimal, parseIsoInstant } from './scalars.ts'
import { definitionOf, expectsScalars, lazyTarget } from './schema-scan.ts'

type Schema = z.core.$ZodType

// Schema steps, not levels of the value: an optional object behind a union takes three of them per level.
const MAX_STEPS = 256

/**
 * Turns ISO 8601 text with a zone into a Date, and decimal text into a bigint, exactly where the schema
 * expects one. Everything else stays as it is, for the schema to refuse. Never changes its argument, and
 * returns it when nothing had to be turned.
 */
export function reviveBySchema(schema: z.ZodType, value: unknown): unknown {
  return revive(schema, value, MAX_STEPS, new Map())
}

/** What each schema has made of each value, so that the options of a recursive union do not repeat its branches. */
type Memo = Map<Schema, Map<unknown, unknown>>

function revive(schema: Schema, value: unknown, steps: number, memo: Memo): unknown {
  if (steps === 0 || !expectsScalars(schema)) return value
  const known = memo.get(schema) ?? new Map<unknown, unknown>()
  memo.set(schema, known)
  if (!known.has(value)) known.set(value, reviveAnew(schema, value, steps, memo))
  return known.get(value)
}

function reviveAnew(schema: Schema, value: unknown, steps: number, memo: Memo): unknown {
  const next = (inner: Schema, item: unknown) => revive(inner, item, steps - 1, memo)
  const def = definitionOf(schema)
  switch (def.type) {
    case 'date':
      return typeof value === 'string' ? (parseIsoInstant(value) ?? value) : value
    case 'bigint':
      return typeof value === 'string' ? (parseDecimal(value) ?? value) : value
    case 'object':
      return reviveProperties(
        value,
        (key) => (Object.hasOwn(def.shape, key) ? def.shape[key] : def.catchall),
        next,
      )
    case 'record':
      return reviveProperties(value, () => def.valueType, next)
    case 'array':
      return reviveItems(value, () => def.element, next)
    case 'tuple':
      return reviveItems(value, (index) => def.items[index] ?? def.rest ?? undefined, next)
    case 'union':
      return reviveUnion(schema, def.options, value, next)
    case 'intersection':
      return next(def.right, next(def.left, value))
    case 'pipe':
      return next(def.in, value)
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
      return next(def.innerType, value)
    case 'lazy': {
      const target = lazyTarget(schema)
      return target ? next(target, value) : value
    }
    default:
      return value
  }
}

type Revive = (schema: Schema, value: unknown) => unknown

function reviveProperties(
  value: unknown,
  schemaOf: (key: string) => Schema | undefined,
  next: Revive,
): unknown {
  if (!isRecord(value)) return value
  let copy: Record<string, unknown> | undefined
  for (const key of Object.keys(value)) {
    const schema = key === '__proto__' ? undefined : schemaOf(key)
    if (!schema) continue
    const revived = next(schema, value[key])
    if (Object.is(revived, value[key])) continue
    copy ??= { ...value }
    copy[key] = revived
  }
  return copy ?? value
}

function reviveItems(value: unknown, schemaOf: (index: number) => Schema | undefined, next: Revive): unknown {
  if (!Array.isArray(value)) return value
  const items: readonly unknown[] = value
  let copy: unknown[] | undefined
  for (const [index, item] of items.entries()) {
    const schema = schemaOf(index)
    if (!schema) continue
    const revived = next(schema, item)
    if (Object.is(revived, item)) continue
    copy ??= [...items]
    copy[index] = revived
  }
  return copy ?? value
}

function reviveUnion(schema: Schema, options: readonly Schema[], value: unknown, next: Revive): unknown {
  if (schema instanceof z.core.$ZodDiscriminatedUnion) {
    const option = taggedOption(schema._zod.def, value)
    if (option) return next(option, value)
    if (!schema._zod.def.unionFallback) return value
  }
  const revived = options.map((option) => ({ option, value: next(option, value) }))
  // An option that takes the text as text wins: the caller sent text, and it needs no reading.
  if (revived.some((each) => Object.is(each.value, value) && accepts(each.option, value))) return value
  const chosen = revived.find((each) => !Object.is(each.value, value) && accepts(each.option, each.value))
  return chosen ? chosen.value : value
}

function taggedOption(def: z.core.$ZodDiscriminatedUnionDef, value: unknown): Schema | undefined {
  if (!isRecord(value)) return undefined
  const tag = Object.hasOwn(value, def.discriminator) ? value[def.discriminator] : undefined
  return def.options.find((option) => {
    const tags = option._zod.propValues?.[def.discriminator]
    return tags !== undefined && [...tags].some((each) => each === tag)
  })
}

function accepts(schema: Schema, value: unknown): boolean {
  try {
    return z.safeParse(schema, value).success
  } catch (error) {
    // Zod reaches an asynchronous check only after the shape was right, and the shape is all that matters here.
    if (error instanceof z.core.$ZodAsyncError) return true
    throw error
  }
}
