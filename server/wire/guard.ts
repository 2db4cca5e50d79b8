/// <reference lib="es2024.string" />
import type { IssueInfo } from '../core/result.ts'
import { isDecimalInRange, isInstantInRange } from './scalars.ts'
import { findProblem, type WalkRules } from './walk.ts'

/** How many arrays and objects of an input may stand inside each other. */
export const MAX_DEPTH = 32

/** How many arrays, objects and plain values an input may hold in all. */
export const MAX_VALUES = 50_000

/**
 * Finds the first thing in a value from outside that no schema may accept, because it could not be stored and
 * read back unchanged: NUL and lone surrogates, numbers that lose digits, dates outside the years 1 to 9999,
 * bigints of more than 40 digits, `__proto__` keys, too deep nesting, and whatever is no data. Never
 * echoes the value. Whether undefined is welcome is left to the schema.
 */
export function findUnacceptable(value: unknown): IssueInfo | undefined {
  return findProblem(value, RULES)
}

/** The same for the whole input of a call, which has a bound on its values as well. */
export function findUnacceptableInput(value: unknown): IssueInfo | undefined {
  return findProblem(value, INPUT_RULES)
}

/** The same, of values whose fields say themselves which numbers they keep: a float loses nothing of 2^60. */
export function findUnacceptableToFields(value: unknown): IssueInfo | undefined {
  return findProblem(value, FIELD_RULES)
}

const RULES: WalkRules = { maxDepth: MAX_DEPTH, leaf: checkLeaf, key: checkKey }
const INPUT_RULES: WalkRules = { ...RULES, maxValues: MAX_VALUES }
const FIELD_RULES: WalkRules = { ...RULES, leaf: checkFieldLeaf }

function checkFieldLeaf(value: unknown): string | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? undefined : checkLeaf(value)
}

function checkLeaf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return checkText(value, 'Text')
    case 'number':
      return checkNumber(value)
    case 'bigint':
      return isDecimalInRange(value) ? undefined : 'Integer is too long: at most 40 digits are allowed.'
    case 'boolean':
    case 'undefined':
      return undefined
    default:
      if (value === null) return undefined
      if (!(value instanceof Date)) {
        return 'Value is no plain data: send text, numbers, booleans, null, dates, bigints, arrays or plain objects.'
      }
      return isInstantInRange(value)
        ? undefined
        : 'Date must be a valid instant in the years 1 to 9999 (UTC).'
  }
}

function checkKey(key: string): string | undefined {
  return key === '__proto__' ? 'Key "__proto__" is not allowed: choose another name.' : checkText(key, 'Key')
}

function checkText(text: string, what: 'Text' | 'Key'): string | undefined {
  if (text.includes('\0')) return `${what} contains NUL (U+0000): leave it out.`
  if (!text.isWellFormed()) return `${what} contains half of a surrogate pair: send well-formed Unicode.`
  return undefined
}

function checkNumber(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'Number must be finite.'
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return `Integer is beyond ±${Number.MAX_SAFE_INTEGER} and may have lost digits on its way: a field of larger integers takes them as text.`
  }
  return undefined
}
