import { z } from 'zod'
import { DefinitionError } from '../core/errors.ts'
import type { ActionResult } from '../core/result.ts'
import { sentence } from '../wire/issues.ts'
import { createParse } from '../wire/parse.ts'

/** What an action answers with on success: any schema. */
export type OutputSchema = z.ZodType

/** What a handler may return for a schema: what tools give cannot be changed, and need not be. */
export type Returned<T> = T extends Date
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Returned<T[K]> }
    : T

/** Makes a success what its schema says: unknown keys of a `z.object` left out, defaults and transforms applied. */
export type ShapeResult = (action: string, result: ActionResult<unknown>) => Promise<ActionResult<unknown>>

/** @throws {DefinitionError} for what is no schema of zod's. */
export function checkedOutput(schema: OutputSchema): OutputSchema {
  if (schema instanceof z.ZodType) return schema
  throw new DefinitionError('.output takes a schema of zod, such as z.object({ recordId: z.string() })')
}

/**
 * Makes the check of what handlers of one action return. It is a part of the attempt: what does not fit is thrown, as a
 * bug of the handler, and nothing of the attempt is kept. The message names the place and not the value.
 */
export function createShapeResult(schema: OutputSchema): ShapeResult {
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
