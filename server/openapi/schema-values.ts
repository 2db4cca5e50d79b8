import { isDeepStrictEqual } from 'node:util'
import type { JsonObject, JsonValue } from '../core/result.ts'
import { typeOfValue, typesOf, valuesOf } from './schema-words.ts'

/** The smallest bounds, and the largest: what the wide schema says must be no closer. */
export const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'] as const
export const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'] as const
export const EXACT = ['pattern', 'format', 'multipleOf', 'contentEncoding', 'contentMediaType'] as const

/** Says which values and types a schema has that another has not. */
export function values(part: JsonObject, whole: JsonObject, at: string): readonly string[] {
  const [mine, theirs] = [valuesOf(part), valuesOf(whole)]
  if (theirs) {
    if (!mine) return [`${at}: any value`]
    const more = mine.filter((value) => !theirs.some((other) => isDeepStrictEqual(value, other)))
    return more.map((value) => `${at}: ${JSON.stringify(value)}`)
  }
  if (mine)
    return mine.filter((value) => !isWithin(value, whole)).map((value) => `${at}: ${JSON.stringify(value)}`)
  const [own, other] = [typesOf(part), typesOf(whole)]
  if (!other) return []
  if (!own) return [`${at}: any type`]
  return own.filter((type) => !isAmong(type, other)).map((type) => `${at}: ${type}`)
}

/** Says where the bounds of a schema are wider than another's. */
export function bounds(part: JsonObject, whole: JsonObject, at: string): readonly string[] {
  // Each value was held against them.
  if (valuesOf(part)) return []
  const said = (keyword: string) =>
    `${at}: ${keyword} ${part[keyword] === undefined ? 'none' : JSON.stringify(part[keyword])}`
  const isBelow = (keyword: string) =>
    numberOf(part[keyword], -Infinity) < numberOf(whole[keyword], -Infinity)
  const isAbove = (keyword: string) => numberOf(part[keyword], Infinity) > numberOf(whole[keyword], Infinity)
  const isOther = (keyword: string) => whole[keyword] !== undefined && whole[keyword] !== part[keyword]
  return [...LOWER.filter(isBelow), ...UPPER.filter(isAbove), ...EXACT.filter(isOther)].map(said)
}

function isAmong(type: JsonValue, types: readonly JsonValue[]): boolean {
  return types.includes(type) || (type === 'integer' && types.includes('number'))
}

/** Whether a value is of a schema's types and within its bounds; not where that cannot be told. */
function isWithin(value: JsonValue, whole: JsonObject): boolean {
  const types = typesOf(whole)
  if (types && !isAmong(typeOfValue(value), types)) return false
  if (typeof value === 'number') return isNumberWithin(value, whole)
  if (typeof value === 'string') return isTextWithin(value, whole)
  return true
}

function isNumberWithin(value: number, whole: JsonObject): boolean {
  const step = numberOf(whole.multipleOf, Number.NaN)
  return (
    value >= numberOf(whole.minimum, -Infinity) &&
    value > numberOf(whole.exclusiveMinimum, -Infinity) &&
    value <= numberOf(whole.maximum, Infinity) &&
    value < numberOf(whole.exclusiveMaximum, Infinity) &&
    (Number.isNaN(step) || value % step === 0)
  )
}

function isTextWithin(value: string, { pattern, format, contentEncoding, ...whole }: JsonObject): boolean {
  const characters = [...value].length
  if (characters < numberOf(whole.minLength, 0) || characters > numberOf(whole.maxLength, Infinity))
    return false
  if (format !== undefined || contentEncoding !== undefined) return false
  return typeof pattern !== 'string' || matches(value, pattern)
}

function matches(value: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value)
  } catch {
    return false
  }
}

function numberOf(value: JsonValue | undefined, none: number): number {
  return typeof value === 'number' ? value : none
}
