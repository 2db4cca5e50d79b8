import { z } from 'zod'
import type { Issue } from '../core/result.ts'
import { issuesOf, MAX_ISSUES } from './issues.ts'
import { parseContexts, TooMuchWork } from './parse-budget.ts'

/** What a schema has made of an input, or what it found wrong with it. */
export type Parsed<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly issues: readonly Issue[] }

/** What a message is chosen by; no message has it in it. */
const WITH_INPUT = { reportInput: true }

/**
 * Makes a parser of a schema, whose work grows no faster than the input: what grows faster is ended, and refused. It
 * waits only where a function of the app does. Zod's own `safeParse` words every issue, however many there are; here
 * only those are that will be shown.
 */
export function createParse<TSchema extends z.ZodType>(schema: TSchema) {
  function finished({ value, issues }: z.core.ParsePayload): Parsed<z.output<TSchema>> {
    if (issues.length === 0) return { success: true, data: value as z.output<TSchema> } // What it was parsed by.
    return {
      success: false,
      issues: issuesOf(
        {
          issues: issues
            .slice(0, MAX_ISSUES)
            .map((issue) => z.core.util.finalizeIssue(issue, WITH_INPUT, z.core.config())),
        },
        schema,
      ),
    }
  }

  return (value: unknown): Parsed<z.output<TSchema>> | Promise<Parsed<z.output<TSchema>>> => {
    try {
      const context = parseContexts(schema, value, { async: true })()
      const result = schema._zod.run({ value, issues: [] }, context)
      return result instanceof Promise ? result.then(finished, refused) : finished(result)
    } catch (error) {
      return refused(error)
    }
  }
}

function refused(error: unknown): Parsed<never> {
  if (!(error instanceof TooMuchWork)) throw error
  return { success: false, issues: [{ path: [], message: error.message, code: 'unacceptable', params: {} }] }
}
