import { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import { parseContexts, TooMuchWork } from './parse.ts'
import { parseDecimal, parseIsoInstant } from './scalars.ts'
import { expectsScalars, takesAnything } from './schema-scan.ts'
import { itemOf, propertyOf, type Schema, type ShapeOf, shapeOf } from './zod-schema.ts'

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
    const shape = shapeOf(schema)
    switch (shape.kind) {
      case 'leaf':
        return reviveScalar(shape.type, value)
      case 'literal':
        return reviveLiteral(shape.values, value)
      case 'anything':
        return shape.hasRule ? this.#firstAccepted(schema, [value, ...scalarsOf(value)]) : value
      case 'object':
        return reviveProperties(value, (key) => propertyOf(shape, key), next)
      case 'record':
        return reviveProperties(value, () => shape.value, next)
      case 'array':
      case 'set':
        return reviveItems(value, () => shape.item, next)
      case 'tuple':
        return reviveItems(value, (index) => itemOf(shape, index), next)
      case 'map':
        return reviveEntries(shape, value, next)
      case 'union':
        return this.#reviveUnion(shape, value, next)
      case 'intersection':
        return next(shape.right, next(shape.left, value))
      case 'pipe':
        return this.#revivePipe(schema, shape, value, next)
      case 'wrapper':
      case 'success':
      case 'promise':
      case 'lazy':
        return next(shape.inner, value)
      case 'transform':
      case 'template':
      case 'function':
      case 'unrecognized':
        return value
      default:
        return shape satisfies never
    }
  }

  #reviveUnion({ options, tag }: ShapeOf<'union'>, value: unknown, next: Revive): unknown {
    if (tag) {
      const tagged = reviveTag(tag, value)
      if (tagged) return next(tagged.option, tagged.value)
      if (!tag.hasFallback) return value
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
  #revivePipe(schema: Schema, pipe: ShapeOf<'pipe'>, value: unknown, next: Revive): unknown {
    const given = next(pipe.in, value)
    if (!takesAnything(pipe.in)) return given
    const expected = next(pipe.out, given)
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

function reviveScalar(type: ShapeOf<'leaf'>['type'], value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (type === 'date') return parseIsoInstant(value) ?? value
  return type === 'bigint' ? (parseDecimal(value) ?? value) : value
}

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
function reviveEntries(map: ShapeOf<'map'>, value: unknown, next: Revive): unknown {
  return Array.isArray(value)
    ? reviveItems(
        value,
        () => map.key,
        (_key, entry) => reviveItems(entry, (at) => [map.key, map.value][at], next),
      )
    : reviveProperties(value, () => map.value, next)
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
  { key, optionOf }: NonNullable<ShapeOf<'union'>['tag']>,
  value: unknown,
): Tagged | undefined {
  if (!isRecord(value)) return undefined
  const sent = Object.hasOwn(value, key) ? value[key] : undefined
  for (const tag of [sent, ...scalarsOf(sent)]) {
    const option = optionOf(tag)
    if (option) return { option, value: Object.is(tag, sent) ? value : { ...value, [key]: tag } }
  }
  return undefined
}
