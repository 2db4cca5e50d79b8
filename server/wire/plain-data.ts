/// <reference lib="es2024.string" />

import { isRecord } from '../core/is-record.ts'
import type { IssueInfo } from '../core/result.ts'
import { pathSegment, sentence } from './issues.ts'
import { isDecimalInRange, isInstantInRange } from './scalars.ts'

/** What a walk accepts. Each check answers with a message for a problem, or undefined. */
interface WalkRules {
  /** How many arrays and objects may stand inside each other. */
  readonly maxDepth: number
  /** How many arrays, objects and whatever else there may be in all. @default no bound */
  readonly maxValues?: number
  /** Checks whatever is neither an array nor a plain object. */
  readonly leaf: (value: unknown) => string | undefined
  /** Checks every key of a plain object. */
  readonly key: (key: string) => string | undefined
}

interface Problem {
  readonly message: string
  /** Innermost segment first: it grows while the walk returns, so that a clean walk builds no paths. */
  readonly outward: (string | number)[]
}

/** Finds the first problem in a tree of arrays and plain objects, or undefined. */
function findProblem(value: unknown, rules: WalkRules): IssueInfo | undefined {
  const problem = visit(value, rules.maxDepth, new Walk(rules))
  return problem && { path: problem.outward.reverse(), message: problem.message }
}

/** A class, since a copy of the rules for each walk costs more than the walk of a small value. */
class Walk {
  readonly rules: WalkRules
  /** How many more values there may be. */
  left: number

  constructor(rules: WalkRules) {
    this.rules = rules
    this.left = rules.maxValues ?? Number.POSITIVE_INFINITY
  }
}

function visit(value: unknown, room: number, walk: Walk): Problem | undefined {
  const { rules } = walk
  if (walk.left === 0) return problem(`There are too many values: at most ${rules.maxValues} are allowed.`)
  walk.left -= 1
  // Most of a tree is leaves, and most of those are text and numbers.
  if (typeof value !== 'object' || value === null) return problem(rules.leaf(value))
  if (Array.isArray(value)) return room > 0 ? visitArray(value, room - 1, walk) : tooDeep(rules)
  if (isRecord(value)) return room > 0 ? visitRecord(value, room - 1, walk) : tooDeep(rules)
  return problem(rules.leaf(value))
}

function visitArray(list: readonly unknown[], room: number, walk: Walk): Problem | undefined {
  for (let index = 0; index < list.length; index++) {
    const found = visit(list[index], room, walk)
    if (found) {
      found.outward.push(index)
      return found
    }
  }
  return undefined
}

function visitRecord(record: Record<string, unknown>, room: number, walk: Walk): Problem | undefined {
  // `Object.keys` would make a list for each record of a page.
  for (const key in record) {
    if (!Object.hasOwn(record, key)) continue
    const bad = problem(walk.rules.key(key))
    if (bad) return bad
    const found = visit(record[key], room, walk)
    if (found) {
      found.outward.push(pathSegment(key))
      return found
    }
  }
  return undefined
}

function tooDeep(rules: WalkRules): Problem | undefined {
  return problem(`Nesting is too deep: at most ${rules.maxDepth} levels of arrays and objects are allowed.`)
}

function problem(message: string | undefined): Problem | undefined {
  return message === undefined ? undefined : { message, outward: [] }
}

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

const RULES: WalkRules = { maxDepth: MAX_DEPTH, leaf: checkInputLeaf, key: checkInputKey }
const INPUT_RULES: WalkRules = { ...RULES, maxValues: MAX_VALUES }
const FIELD_RULES: WalkRules = { ...RULES, leaf: checkFieldLeaf }

function checkFieldLeaf(value: unknown): string | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? undefined : checkInputLeaf(value)
}

function checkInputLeaf(value: unknown): string | undefined {
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

function checkInputKey(key: string): string | undefined {
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

/** How many arrays and objects of an answer may stand inside each other; it also ends a cyclic one. */
export const MAX_ANSWER_DEPTH = 200

const NO_PLAIN_DATA =
  'Value is no plain data: answer with text, numbers, dates, bigints, arrays and plain objects.'

/**
 * Finds the first thing in an answer that a transport could not carry unchanged: NaN and the infinities,
 * invalid dates, functions, symbols, class instances such as Map and Error, and cycles.
 */
export function findUnsendable(value: unknown): IssueInfo | undefined {
  return findProblem(value, ANSWER_RULES)
}

const ANSWER_RULES: WalkRules = { maxDepth: MAX_ANSWER_DEPTH, leaf: checkAnswerLeaf, key: checkAnswerKey }

/**
 * Throws when an answer could not be carried unchanged. What an action returns is the app's own, so this is
 * a bug of the action and not a failure of the call.
 */
export function assertSendable(value: unknown): void {
  const issue = findUnsendable(value)
  if (issue)
    throw new Error(`The answer cannot be sent: ${issue.message} Path: ${JSON.stringify(issue.path)}`)
}

function checkAnswerLeaf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
    case 'undefined':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : 'Number must be finite: answer null instead.'
    case 'object':
      if (value === null) return undefined
      if (!(value instanceof Date)) return NO_PLAIN_DATA
      return isInstantInRange(value)
        ? undefined
        : 'Date must be a valid instant in the years 1 to 9999 (UTC).'
    default:
      return NO_PLAIN_DATA
  }
}

function checkAnswerKey(key: string): string | undefined {
  return key === '__proto__' ? 'Key "__proto__" is not allowed.' : undefined
}

/** Says why JSON would not give a value back as it went in; undefined when it would. */
export function jsonProblem(value: unknown): string | undefined {
  const unacceptable = findUnacceptable(value)
  if (unacceptable) return sentence(unacceptable)
  const odd = findNonJson(value)
  return odd && `it holds a ${odd}`
}

function findNonJson(value: unknown): string | undefined {
  if (value instanceof Date) return 'Date (pass its ISO string)'
  if (typeof value === 'bigint') return 'bigint (pass its decimal string)'
  if (typeof value !== 'object' || value === null) return undefined
  for (const member of Object.values(value)) {
    const odd = findNonJson(member)
    if (odd) return odd
  }
  return undefined
}
