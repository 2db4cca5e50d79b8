import { z } from 'zod'
import { actionDefinition } from '../builders/action-definition.ts'
import type { Actions } from '../routers/registry.ts'
import { reviveBySchema } from '../wire/from-json.ts'

const EXAMPLE_TIME = '2030-01-01T18:00:00Z'
/** Stays on one line of a terminal. */
const MAX_BODY_LENGTH = 120

/** The first action that every caller may call with an input made up from its schema; undefined where there is none. */
export function actionToTry(actions: Actions): { readonly name: string; readonly body: string } | undefined {
  for (const [name, action] of Object.entries(actions)) {
    const definition = actionDefinition(action)
    if (!definition || definition.isPrivileged) continue
    const input = exampleInput(definition.input)
    if (input === undefined) continue
    const body = JSON.stringify(input)
    // It stands between single quotes in a shell.
    if (body.length <= MAX_BODY_LENGTH && !body.includes("'")) return { name, body }
  }
  return undefined
}

/** An input that the schema takes, of its required fields; undefined where the schema asks for more than is guessed. */
function exampleInput(schema: z.ZodType): unknown {
  if (!(schema instanceof z.ZodObject)) return undefined
  const fields: readonly (readonly [string, z.ZodType])[] = Object.entries(schema.shape)
  const required = fields.filter(([, field]) => !field.safeParse(undefined).success)
  const values = required.map(([name, field]) => [name, exampleValue(name, field)] as const)
  const input = Object.fromEntries(values)
  return schema.safeParse(reviveBySchema(schema, input)).success ? input : undefined
}

/** Ids name records that there are none of yet. */
const IS_ID = /(^|[a-z])Id$|^id$/

function exampleValue(name: string, field: z.ZodType): unknown {
  if (IS_ID.test(name)) return undefined
  if (field instanceof z.ZodDate) return EXAMPLE_TIME
  if (field instanceof z.ZodEnum || field instanceof z.ZodLiteral) return [...field._zod.values][0]
  const candidates = ['Launch', 20, 1, true, 'ada@example.com', 'https://example.com']
  return candidates.find((candidate) => field.safeParse(candidate).success)
}
