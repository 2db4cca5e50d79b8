import { z } from 'zod'
import type { Issue } from '../core/result.ts'
import { issuesOf, MAX_ISSUES, unknownKeysFirst, withMeantKeys } from './issues.ts'
import { isRecursive, reaches, schemasOf } from './schema-scan.ts'
import { runsFunction, type Schema, shapeOf } from './zod-schema.ts'

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
          issues: unknownKeysFirst(issues)
            .slice(0, MAX_ISSUES)
            .map((issue) =>
              withMeantKeys(z.core.util.finalizeIssue(issue, WITH_INPUT, z.core.config()), issue),
            ),
        },
        schema,
      ),
    }
  }

  return (value: unknown): Parsed<z.output<TSchema>> | Promise<Parsed<z.output<TSchema>>> => {
    try {
      const context = parseContexts(schema, value, { async: mayWait(schema) })()
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

/** Steps of zod's for each value of an input: each schema may look at each value, a few times over. */
const STEPS_PER_SCHEMA = 8
const STEPS_AT_LEAST = 10_000

/** Thrown out of a schema that has looked at an input too often. */
export class TooMuchWork extends Error {
  override readonly name = 'TooMuchWork'
  static readonly message =
    'The input takes too many steps to check, because its schema can read its nesting in too many ways: send less, or nest it less deeply.'

  constructor() {
    super(TooMuchWork.message)
  }
}

export interface ParseMode {
  readonly async: boolean
  /** Whether a container with a problem is left at once. */
  readonly abortEarly?: boolean
}

/**
 * Makes what zod is to know while it looks at an input. For a schema whose work could grow faster than the input, it is
 * also what counts the steps and ends them: zod remembers what it has found out about a value, but not about the copies
 * that a function in the schema makes of it, which two options of a union then read twice at each level.
 */
export function parseContexts(
  schema: Schema,
  value: unknown,
  mode: ParseMode,
): () => z.core.ParseContextInternal {
  if (!mayRepeat(schema)) return () => ({ ...mode })
  let left = STEPS_AT_LEAST + STEPS_PER_SCHEMA * schemasOf(schema).size * countValues(value)
  return () => ({
    ...mode,
    // Every container, transform and check looks at it once.
    get async() {
      if (left <= 0) throw new TooMuchWork()
      left -= 1
      return mode.async
    },
  })
}

/** Whether a schema may have to wait for a function of the app's. For one that never does, zod compiles its objects. */
const mayWait = oncePerSchema((schema) => reaches(schema, runsFunction))

/** Whether a schema holds itself, and reads a value more than once. */
const mayRepeat = oncePerSchema((schema) => {
  const has = (...kinds: readonly string[]) => reaches(schema, (each) => kinds.includes(shapeOf(each).kind))
  return has('unrecognized') || (has('union', 'intersection', 'pipe') && isRecursive(schema))
})

/** Remembers what was found out about each schema. */
function oncePerSchema(find: (schema: Schema) => boolean): (schema: Schema) => boolean {
  const answers = new WeakMap<Schema, boolean>()
  return (schema) => {
    const known = answers.get(schema)
    if (known !== undefined) return known
    const found = find(schema)
    answers.set(schema, found)
    return found
  }
}

function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((count, member) => count + countValues(member), 1)
}
