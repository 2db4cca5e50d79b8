import { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import { parseContexts, TooMuchWork } from './parse-budget.ts'
import { parseDecimal, parseIsoInstant } from './scalars.ts'
import { definitionOf, expectsScalars, hasOwnRule, lazyTarget, takesAnything } from './schema-scan.ts'

type Schema = z.core.$ZodType

// Schema steps, not levels of the value: an optional object behind a union takes three of them per level.
const MAX_STEPS = 256

/**
 * Turns ISO 8601 text with a zone into a Date, and decimal text into a bigint, where the schema expects one and
 * would not take the text. Everything else stays as it is, for the schema to refuse. Never changes its argument, and
 * returns it when nothing had to be turned.
 */
export function reviveBySchema(schema: z.ZodType, value: unknown): unknown {
  return expectsScalars(schema) ? new Reading(schema, value).revive(schema, value, MAX_STEPS) : value
}

/**
 * One input, read once. What each schema has made of each value is kept, and so is what zod has found out about it:
 * the options of a recursive union then look at a subtree once, and not once for each level above it.
 */
class Reading {
  readonly #revived = new Map<Schema, Map<unknown, unknown>>()
  readonly #newContext: () => z.core.ParseContextInternal
  #context: z.core.ParseContextInternal

  constructor(schema: Schema, value: unknown) {
    // All that is asked of a container is whether it has a problem.
    this.#newContext = parseContexts(schema, value, { async: false, abortEarly: true })
    this.#context = this.#newContext()
  }

  revive(schema: Schema, value: unknown, steps: number): unknown {
    if (steps === 0 || !expectsScalars(schema)) return value
    if (typeof value !== 'object') return this.#reviveAnew(schema, value, steps)
    const known = this.#revived.get(schema) ?? new Map<unknown, unknown>()
    this.#revived.set(schema, known)
    if (!known.has(value)) known.set(value, this.#reviveAnew(schema, value, steps))
    return known.get(value)
  }

  #reviveAnew(schema: Schema, value: unknown, steps: number): unknown {
    const next = (inner: Schema, item: unknown) => this.revive(inner, item, steps - 1)
    const def = definitionOf(schema)
    switch (def.type) {
      case 'date':
        return typeof value === 'string' ? (parseIsoInstant(value) ?? value) : value
      case 'bigint':
        return typeof value === 'string' ? (parseDecimal(value) ?? value) : value
      case 'literal':
        return reviveLiteral(def.values, value)
      case 'any':
      case 'unknown':
      case 'custom':
        return hasOwnRule(schema) ? this.#firstAccepted(schema, [value, ...scalarsOf(value)]) : value
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
      case 'set':
        return reviveItems(value, () => def.valueType, next)
      case 'map':
        return reviveEntries(def, value, next)
      case 'union':
        return this.#reviveUnion(schema, def.options, value, next)
      case 'intersection':
        return next(def.right, next(def.left, value))
      case 'pipe':
        return this.#revivePipe(schema, def, value, next)
      case 'optional':
      case 'nullable':
      case 'default':
      case 'prefault':
      case 'catch':
      case 'readonly':
      case 'nonoptional':
      case 'success':
      case 'promise':
        return next(def.innerType, value)
      case 'lazy': {
        const target = lazyTarget(schema)
        return target ? next(target, value) : value
      }
      default:
        return value
    }
  }

  #reviveUnion(schema: Schema, options: readonly Schema[], value: unknown, next: Revive): unknown {
    if (schema instanceof z.core.$ZodDiscriminatedUnion) {
      const tagged = reviveTag(schema._zod.def, value)
      if (tagged) return next(tagged.option, tagged.value)
      if (!schema._zod.def.unionFallback) return value
    }
    const revived = options.map((option) => ({ option, value: next(option, value) }))
    if (revived.every((each) => Object.is(each.value, value))) return value
    // An option that takes the text as text wins: the caller sent text, and it needs no reading.
    if (revived.some((each) => Object.is(each.value, value) && this.#accepts(each.option, value)))
      return value
    const chosen = revived.find(
      (each) => !Object.is(each.value, value) && this.#accepts(each.option, each.value),
    )
    return chosen ? chosen.value : value
  }

  /** Where a function comes first, that function is asked: it may take the text as text, as a union may. */
  #revivePipe(schema: Schema, def: z.core.$ZodPipeDef, value: unknown, next: Revive): unknown {
    const given = next(def.in, value)
    if (!takesAnything(def.in)) return given
    const expected = next(def.out, given)
    return Object.is(expected, value) || this.#accepts(schema, value) ? value : expected
  }

  #firstAccepted(schema: Schema, values: readonly unknown[]): unknown {
    if (values.length === 1) return values[0]
    const accepted = values.find((value) => this.#accepts(schema, value))
    return accepted === undefined ? values[0] : accepted
  }

  #accepts(schema: Schema, value: unknown): boolean {
    try {
      const result = schema._zod.run({ value, issues: [] }, this.#context)
      return !(result instanceof Promise) && result.issues.length === 0
    } catch (error) {
      if (error instanceof TooMuchWork) throw error
      // What was begun in it has no end.
      this.#context = this.#newContext()
      // Zod reaches an asynchronous check only after the shape was right, and the shape is all that matters here.
      // A function of the app's that throws takes nothing; where it is the last resort, it throws when it is parsed.
      return error instanceof z.core.$ZodAsyncError
    }
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

/** A map is made of entries, by a function before it. */
function reviveEntries({ keyType, valueType }: z.core.$ZodMapDef, value: unknown, next: Revive): unknown {
  return Array.isArray(value)
    ? reviveItems(
        value,
        () => keyType,
        (_key, entry) => reviveItems(entry, (at) => [keyType, valueType][at], next),
      )
    : reviveProperties(value, () => valueType, next)
}

function reviveLiteral(values: readonly unknown[], value: unknown): unknown {
  if (typeof value !== 'string' || values.includes(value)) return value
  const integer = parseDecimal(value)
  return integer !== undefined && values.includes(integer) ? integer : value
}

/** The dates and bigints that a text spells. */
function scalarsOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'string') return []
  return [parseIsoInstant(value), parseDecimal(value)].filter((scalar) => scalar !== undefined)
}

interface Tagged {
  readonly option: Schema
  readonly value: unknown
}

/** The option that a tag names, and the value with its tag revived. */
function reviveTag(
  { discriminator, options }: z.core.$ZodDiscriminatedUnionDef,
  value: unknown,
): Tagged | undefined {
  if (!isRecord(value)) return undefined
  const sent = Object.hasOwn(value, discriminator) ? value[discriminator] : undefined
  for (const tag of [sent, ...scalarsOf(sent)]) {
    const option = options.find(({ _zod }) =>
      _zod.propValues?.[discriminator]?.has(tag as z.core.util.Primitive),
    )
    if (option) return { option, value: Object.is(tag, sent) ? value : { ...value, [discriminator]: tag } }
  }
  return undefined
}
