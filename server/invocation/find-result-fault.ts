import { findUnsendable } from '../wire/answer.ts'
import { sentence } from '../wire/issues.ts'

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

function isActionResult(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'success' in value && typeof value.success === 'boolean'
  )
}
