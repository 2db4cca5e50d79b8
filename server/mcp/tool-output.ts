import type { z } from 'zod'
import { CONFIRMATION } from '../builders/agent-meta.ts'
import type { JsonObject } from '../core/result.ts'
import { mayBeAbsent } from '../wire/json-schema/absence.ts'
import { jsonSchemaOf } from '../wire/json-schema.ts'
import type { ObjectSchema } from './describe-tool.ts'

/** The key of structured content under which data stands that is no object; left out where there is none. */
export const RESULT = 'result'
/** A schema that is a part of itself as a whole can be no part of another one. */
const WHOLE = '"$ref":"#"'

const SHOWN: ObjectSchema = {
  type: 'object',
  properties: {
    [CONFIRMATION]: { type: 'string' },
    expiresAt: { type: 'string', format: 'date-time' },
    wouldDo: { type: 'object', description: 'What the call would do. Nothing of it has been done.' },
  },
  required: [CONFIRMATION, 'expiresAt', 'wouldDo'],
}

/** What a tool answers with, as its list says it. */
export interface ToolOutput {
  /** Undefined where the action declares no output, or it cannot be said. */
  readonly schema: ObjectSchema | undefined
  /** Whether the data stands under a key, whatever it is. */
  readonly isWrapped: boolean
}

/** Describes what a tool answers with: structured content is an object, and a shown call is answered otherwise. */
export function describeOutput(output: z.ZodType | undefined, isConfirmed: boolean): ToolOutput {
  if (!output) return { schema: undefined, isWrapped: false }
  const { schema } = jsonSchemaOf(output, 'output')
  const isOptional = mayBeAbsent(output, 'output')
  const isWrapped = isOptional || schema.type !== 'object'
  if (!isWrapped && !isConfirmed) return { schema: { ...schema, type: 'object' }, isWrapped }
  if (JSON.stringify(schema).includes(WHOLE)) return { schema: undefined, isWrapped }
  const { $defs, ...data } = schema
  const whole: JsonObject | ObjectSchema = isWrapped
    ? {
        type: 'object',
        properties: { [RESULT]: data },
        ...(isOptional ? {} : { required: [RESULT] }),
        additionalProperties: false,
      }
    : data
  const defs = $defs === undefined ? {} : { $defs }
  if (!isConfirmed) return { schema: { ...whole, type: 'object', ...defs }, isWrapped }
  return { schema: { type: 'object', anyOf: [SHOWN, whole], ...defs }, isWrapped }
}
