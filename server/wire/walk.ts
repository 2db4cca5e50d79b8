import { isRecord } from '../core/is-record.ts'
import type { IssueInfo } from '../core/result.ts'
import { pathSegment } from './path.ts'

/** What a walk accepts. Each check answers with a message for a problem, or undefined. */
export interface WalkRules {
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
export function findProblem(value: unknown, rules: WalkRules): IssueInfo | undefined {
  const problem = visit(value, rules.maxDepth, {
    ...rules,
    left: rules.maxValues ?? Number.POSITIVE_INFINITY,
  })
  return problem && { path: problem.outward.reverse(), message: problem.message }
}

interface Walk extends WalkRules {
  /** How many more values there may be. */
  left: number
}

function visit(value: unknown, room: number, rules: Walk): Problem | undefined {
  if (rules.left === 0) return problem(`There are too many values: at most ${rules.maxValues} are allowed.`)
  rules.left -= 1
  // Most of a tree is leaves, and most of those are text and numbers.
  if (typeof value !== 'object' || value === null) return problem(rules.leaf(value))
  if (Array.isArray(value)) return room > 0 ? visitArray(value, room - 1, rules) : tooDeep(rules)
  if (isRecord(value)) return room > 0 ? visitRecord(value, room - 1, rules) : tooDeep(rules)
  return problem(rules.leaf(value))
}

function visitArray(list: readonly unknown[], room: number, rules: Walk): Problem | undefined {
  for (let index = 0; index < list.length; index++) {
    const found = visit(list[index], room, rules)
    if (found) {
      found.outward.push(index)
      return found
    }
  }
  return undefined
}

function visitRecord(record: Record<string, unknown>, room: number, rules: Walk): Problem | undefined {
  // `Object.keys` would make a list for each record of a page.
  for (const key in record) {
    if (!Object.hasOwn(record, key)) continue
    const bad = problem(rules.key(key))
    if (bad) return bad
    const found = visit(record[key], room, rules)
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
