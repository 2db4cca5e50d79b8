import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../core/is-record.ts'
import type { JsonObject, JsonValue } from '../core/result.ts'
import { bounds, EXACT, LOWER, UPPER, values } from './schema-values.ts'
import { assertions, isNothing, listOf, objectOf, optionsOf, resolved, typesOf } from './schema-words.ts'

/** A schema in the document that its references are of. */
export interface Located {
  readonly schema: JsonValue | undefined
  readonly document: JsonObject
}

/** Whether objects may have more keys than the wide schema names: who reads an answer looks past them. */
export interface SubsetOptions {
  readonly ignoresMore: boolean
}

/** What is compared word by word; of any other word only its like is known to be no closer. */
const COMPARED: ReadonlySet<string> = new Set([
  ...'type enum const anyOf oneOf allOf properties required additionalProperties propertyNames'.split(' '),
  ...'items prefixItems $defs'.split(' '),
  ...LOWER,
  ...UPPER,
  ...EXACT,
])

/**
 * Says where a schema takes what another does not, by the words of the schemas: each place, and why. Empty where the
 * wide one takes all. A pattern, and a word that is not known here, is only like itself.
 *
 * @throws {UnusableDocument} where a reference leads nowhere
 */
export function beyond(narrow: Located, wide: Located, { ignoresMore }: SubsetOptions): readonly string[] {
  const open = new Set<string>()
  const finished = new Map<string, readonly string[]>()
  /** The pairs that were found right, in that order. */
  const right: string[] = []

  function compare(a: JsonValue | undefined, b: JsonValue | undefined, place: string): readonly string[] {
    const pair = `${JSON.stringify(a)} ${JSON.stringify(b)}`
    // What is being compared further out is right if all else is.
    if (open.has(pair)) return []
    const known = finished.get(pair)
    if (known) return known
    const before = right.length
    open.add(pair)
    const problems = judge(resolved(a, narrow.document), resolved(b, wide.document), place)
    open.delete(pair)
    finished.set(pair, problems)
    if (problems.length === 0) right.push(pair)
    // They may have been right only because this was taken for right.
    else for (const doubtful of right.splice(before)) finished.delete(doubtful)
    return problems
  }

  function judge(one: JsonValue | undefined, other: JsonValue | undefined, place: string): readonly string[] {
    if (other === true || other === undefined || isNothing(one)) return []
    const at = place === '' ? 'the whole' : place
    if (!isRecord(other) || isNothing(other)) return [`${at}: nothing is`]
    const whole = assertions(other as JsonObject)
    if (Object.keys(whole).length === 0) return []
    if (!isRecord(one)) return [`${at}: anything`]
    const part = assertions(one as JsonObject)
    const options = optionsOf(part)
    if (options) return options.flatMap((option) => compare(withRest(option, part), whole, place))
    const others = optionsOf(whole)
    if (others) {
      const { anyOf: _any, oneOf: _one, ...rest } = whole
      return [...fitsOne(part, others, place), ...compare(part, rest, place)]
    }
    const unlike = values(part, whole, at)
    // Of another type, the rest is of no interest.
    if (unlike.length > 0) return unlike
    return [
      ...bounds(part, whole, at),
      ...members(part, whole, place),
      ...items(part, whole, place),
      ...all(part, whole, place),
      ...unknown(part, whole, at),
    ]
  }

  function fitsOne(part: JsonObject, options: readonly JsonValue[], place: string): readonly string[] {
    const tries = options.map((option) => compare(part, option, place))
    // The option that is nearest says what is wrong.
    return tries.reduce(nearer, tries[0] ?? [`${place}: nothing is`])
  }

  /** Each of what must all hold must be held by the whole, or by one of what must all hold of it. */
  function all(part: JsonObject, whole: JsonObject, place: string): readonly string[] {
    const { allOf, ...rest } = part
    return listOf(whole.allOf).flatMap((each) =>
      [rest, ...listOf(allOf)].map((own) => compare(own, each, place)).reduce(nearer),
    )
  }

  function unknown(part: JsonObject, whole: JsonObject, at: string): readonly string[] {
    const isLike = (word: string) =>
      isDeepStrictEqual(part[word], whole[word]) &&
      // What is referred to may differ all the same.
      (!JSON.stringify(whole[word]).includes('"$ref"') ||
        isDeepStrictEqual(narrow.document.components, wide.document.components))
    const words = Object.keys(whole).filter((word) => !COMPARED.has(word) && !isLike(word))
    return words.map((word) => `${at}: ${word} cannot be compared`)
  }

  function members(part: JsonObject, whole: JsonObject, place: string): readonly string[] {
    if (!(typesOf(part)?.includes('object') ?? true)) return []
    const [mine, theirs] = [objectOf(part.properties), objectOf(whole.properties)]
    const given = listOf(part.required)
    const needed = listOf(whole.required)
    const lacking = needed.filter((key) => !given.includes(key))
    const problems = lacking.map((key) => `${joined(place, String(key))}: may be absent`)
    const isOpen = isRecord(part.additionalProperties)
    // A field that readers know is never there any more.
    for (const key of Object.keys(theirs))
      if (ignoresMore && !Object.hasOwn(mine, key) && !needed.includes(key) && !isOpen)
        problems.push(`${joined(place, key)}: is gone`)
    for (const [key, schema] of Object.entries(mine))
      problems.push(...member(schema, key, whole, joined(place, key)))
    problems.push(...more(part, whole, joined(place, '*')))
    if (whole.propertyNames !== undefined) {
      const isClosed = part.additionalProperties === false && part.propertyNames === undefined
      const names = isClosed ? { enum: Object.keys(mine) } : (part.propertyNames ?? { type: 'string' })
      problems.push(...compare(names, whole.propertyNames, joined(place, 'a key')))
    }
    return problems
  }

  function member(schema: JsonValue, key: string, whole: JsonObject, at: string): readonly string[] {
    const theirs = objectOf(whole.properties)
    if (Object.hasOwn(theirs, key)) return compare(schema, theirs[key] as JsonValue, at)
    if (isNothing(schema)) return []
    // An object that is open without a word for the rest drops what it does not name.
    const isNamed = whole.additionalProperties === undefined && isRecord(whole.properties)
    if (whole.additionalProperties === false || isNamed) return ignoresMore ? [] : [`${at}: is there`]
    return isRecord(whole.additionalProperties)
      ? compare(schema, whole.additionalProperties as JsonObject, at)
      : []
  }

  /** What of objects is neither named by the one nor by the other. */
  function more(part: JsonObject, whole: JsonObject, at: string): readonly string[] {
    const [own, other] = [part.additionalProperties, whole.additionalProperties]
    if (isNothing(own)) return []
    if (isRecord(own) && isRecord(other)) return compare(own as JsonObject, other as JsonObject, at)
    if (ignoresMore || other === undefined || other === true) return []
    return isRecord(other) ? compare(own, other as JsonObject, at) : [`${at}: is there`]
  }

  function items(part: JsonObject, whole: JsonObject, place: string): readonly string[] {
    if (!(typesOf(part)?.includes('array') ?? true)) return []
    const [mine, firsts] = [listOf(part.prefixItems), listOf(whole.prefixItems)]
    const problems = firsts.flatMap((item, at) =>
      compare(mine[at] ?? part.items ?? {}, item, `${place}[${at}]`),
    )
    if (whole.items === undefined) return problems
    const rest = [...mine.slice(firsts.length), part.items ?? {}]
    return [...problems, ...rest.flatMap((item) => compare(item, whole.items, `${place}[]`))]
  }

  return [...new Set(compare(narrow.schema, wide.schema, ''))]
}

/** An option with what else is said of all options. */
function withRest(option: JsonValue, schema: JsonObject): JsonValue {
  const { anyOf: _any, oneOf: _one, ...rest } = schema
  return isRecord(option) && option.$ref === undefined ? { ...rest, ...(option as JsonObject) } : option
}

function nearer(best: readonly string[], each: readonly string[]): readonly string[] {
  return each.length < best.length ? each : best
}

function joined(place: string, key: string): string {
  return place === '' ? key : `${place}.${key}`
}
