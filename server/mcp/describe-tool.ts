import type { z } from 'zod'
import type { ActionDefinition } from '../builders/action-definition.ts'
import { CONFIRMATION } from '../builders/agent-meta.ts'
import type { AgentMeta } from '../trpc/init.ts'
import { jsonSchemaOf } from '../wire/json-schema.ts'

/** A JSON Schema of an object. */
export interface ObjectSchema {
  readonly type: 'object'
  readonly properties?: Readonly<Record<string, unknown>>
  readonly [keyword: string]: unknown
}

/** What `tools/list` says of a tool. */
export interface ToolDescription {
  readonly name: string
  readonly title?: string
  readonly description: string
  readonly inputSchema: ObjectSchema
  readonly outputSchema?: ObjectSchema
  readonly annotations: { readonly readOnlyHint: boolean; readonly destructiveHint?: boolean }
}

const HOW_TO_CONFIRM =
  'Called without a confirmation, it does nothing and answers what it would do, with a confirmation.'
const CONFIRMATION_SCHEMA = {
  type: 'string',
  description: 'The confirmation that the same call was answered with. Leave it out at first.',
}

/** Describes an action for agents: from what its author wrote alone, so that no record's text is in it. */
export function describeTool(
  name: string,
  { kind, input, meta: { summary } }: ActionDefinition,
  { description, destructive, confirm }: AgentMeta,
  outputSchema: ObjectSchema | undefined,
): ToolDescription {
  const schema = inputSchemaOf(input)
  return {
    name,
    ...(summary === undefined ? {} : { title: summary }),
    description: confirm ? `${description} ${HOW_TO_CONFIRM}` : description,
    inputSchema: confirm
      ? { ...schema, properties: { ...schema.properties, [CONFIRMATION]: CONFIRMATION_SCHEMA } }
      : schema,
    ...(outputSchema ? { outputSchema } : {}),
    annotations: {
      readOnlyHint: kind === 'query',
      ...(destructive === undefined ? {} : { destructiveHint: destructive }),
    },
  }
}

/** An action takes an object, whatever else can be said of it. */
function inputSchemaOf(input: z.ZodType): ObjectSchema {
  return { ...jsonSchemaOf(input, 'input').schema, type: 'object' }
}
