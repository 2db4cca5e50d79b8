import { findUnsendable } from '../wire/answer.ts'
import { sentence } from '../wire/issues.ts'

/** Why what a handler returned cannot be the answer; undefined when it can. It is a bug of the action. */
export function whyUnusable(action: string, result: unknown): Error | undefined {
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
