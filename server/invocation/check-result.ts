import type { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import type { ActionResult } from '../core/result.ts'
import { sentence } from '../wire/issues.ts'
import { createParse } from '../wire/parse.ts'
import { findUnsendable } from '../wire/plain-data.ts'

/** Finds why a handler's result cannot be sent; undefined when it can. A fault is a bug of the action. */
export function findResultFault(action: string, result: unknown): Error | undefined {
  try {
    if (!isActionResult(result)) return new Error(`Action "${action}" returned no ActionResult`)
    const unsendable = findUnsendable(result)
    return unsendable
      ? new Error(`Action "${action}" returned what cannot be sent: ${sentence(unsendable)}`)
      : undefined
  } catch (error) {
    return new Error(`What action "${action}" returned cannot be read`, { cause: error })
  }
}

const OF_SUCCESS: ReadonlySet<string> = new Set(['success', 'data'])
const OF_FAILURE: ReadonlySet<string> = new Set(['success', 'error', 'code', 'issues', 'details'])

/** Gives a result without whatever else a handler has put beside what a result has. */
export function plainResult<T>(result: ActionResult<T>): ActionResult<T> {
  const parts = result.success ? OF_SUCCESS : OF_FAILURE
  // Most are plain, and such a failure may carry its cause.
  if (Object.keys(result).every((key) => parts.has(key))) return result
  if (result.success) return { success: true, data: result.data }
  const { error, code, issues, details } = result
  return { success: false, error, code, ...(issues ? { issues } : {}), ...(details ? { details } : {}) }
}

function isActionResult(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'success' in value && typeof value.success === 'boolean'
  )
}

/** Makes a success what its schema says: unknown keys of a `z.object` left out, defaults and transforms applied. */
type ShapeResult = (action: string, result: ActionResult<unknown>) => Promise<ActionResult<unknown>>

/**
 * Makes the check of what handlers of one action return. It is a part of the attempt: what does not fit is thrown, as a
 * bug of the handler, and nothing of the attempt is kept. The message names the place and not the value.
 */
export function createShapeResult(schema: z.ZodType): ShapeResult {
  const parse = createParse(schema)
  return async (action, result) => {
    // What is no result at all is found by what looks at every result.
    if (result?.success !== true) return result
    const parsed = await parse(result.data)
    if (parsed.success) return { success: true, data: parsed.data }
    const problems = parsed.issues.map(sentence).join('; ')
    throw new Error(`What action "${action}" returned does not fit its output schema: data.${problems}`)
  }
}

/** How many characters an answer of an action may have, about: texts and keys, and a little for all else. */
export const MAX_ANSWER_CHARACTERS = 8 * 1024 * 1024
/** A number, a date, a comma. */
const SMALL_VALUE = 8

/** Whether a value has more characters than an answer may, as far as it matters. */
export function isTooLarge(value: unknown, most = MAX_ANSWER_CHARACTERS): boolean {
  return roomAfter(value, most) < 0
}

function roomAfter(value: unknown, room: number): number {
  if (typeof value === 'string') return room - value.length
  if (typeof value !== 'object' || value === null) return room - SMALL_VALUE
  let left = room - SMALL_VALUE
  if (Array.isArray(value)) {
    for (const element of value) {
      left = roomAfter(element, left)
      if (left < 0) return left
    }
  } else if (isRecord(value)) {
    for (const [key, part] of Object.entries(value)) {
      left = roomAfter(part, left - key.length)
      if (left < 0) return left
    }
  }
  return left
}
