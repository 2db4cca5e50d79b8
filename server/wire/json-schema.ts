import { z } from 'zod'
import type { JsonObject } from '../core/result.ts'
import type { Io } from './json-schema/absence.ts'
import { placeOf } from './json-schema/place.ts'
import { isSaid, saidOf } from './json-schema/said.ts'
import { travelling } from './json-schema/travelling.ts'
import { withoutFunctions } from './json-schema/without-functions.ts'
import { reaches, schemasOf, writtenSize } from './schema-scan.ts'
import { type Schema, shapeOf } from './zod-schema.ts'

/** What JSON Schema cannot say of a schema: there it says that anything may stand. */
export interface SchemaGap {
  /** Where it is, such as `guests[].at`; empty for the whole. */
  readonly path: string
  /** What cannot be said, and what would be right. */
  readonly reason: string
}

/** A schema as JSON Schema (draft 2020-12), and what that leaves open. */
export interface DescribedSchema {
  readonly schema: JsonObject
  readonly gaps: readonly SchemaGap[]
}

/** How many schemas stand in a description, each as often as it is used. Beyond it, what is used twice is referred to. */
const MAX_WRITTEN_OUT = 2_000

const described = {
  input: new WeakMap<Schema, DescribedSchema>(),
  output: new WeakMap<Schema, DescribedSchema>(),
}

/**
 * Describes what REST takes for a schema (`input`), or what it answers with (`output`), as JSON Schema, draft 2020-12:
 * dates and bigints as the text that spells them. No function of the app's is called. What is described takes everything
 * that the server takes; a rule that a function knows alone, such as a `refine`, is not in it. Computed once per schema.
 */
export function jsonSchemaOf(schema: Schema, io: Io): DescribedSchema {
  const known = described[io].get(schema)
  if (known) return known
  const made = describe(schema, io)
  described[io].set(schema, made)
  return made
}

/** What stands at the same place as a schema, whose author has said what it is. */
function partsInPlace(schema: Schema): readonly Schema[] {
  const { parent } = schema._zod
  const inherited = parent ? [parent] : []
  const shape = shapeOf(schema)
  return shape.kind === 'pipe' && isSaid(schema) ? [...inherited, ...shape.parts] : inherited
}

/** What authors say of schemas, without names: two actions may use one for different schemas. */
class AnonymousRegistry extends z.core.$ZodRegistry<Record<string, unknown>> {
  override get(schema: Schema): Record<string, unknown> | undefined {
    return saidOf(schema)
  }
}

const ANONYMOUS = new AnonymousRegistry()

function describe(schema: Schema, io: Io): DescribedSchema {
  const gaps = new Map<Schema, SchemaGap>()
  try {
    const isLarge = writtenSize(schema) > MAX_WRITTEN_OUT
    // Zod writes the objects of an intersection as one object, unless it refers to them.
    if (isLarge && reaches(schema, (each) => shapeOf(each).kind === 'intersection'))
      return free(
        `written out it is made of more than ${MAX_WRITTEN_OUT} schemas, and an intersection among them cannot be referred to: take z.strictObject({ ...one.shape, ...other.shape }) in place of z.intersection`,
      )
    const json = withoutFunctions(schemasOf(schema), () =>
      z.toJSONSchema(schema, {
        io,
        unrepresentable: 'any',
        reused: isLarge ? 'ref' : 'inline',
        metadata: ANONYMOUS,
        override: ({ zodSchema, jsonSchema, path }) => {
          const reason = travelling(zodSchema, jsonSchema, io)
          // What it is made of comes first, and it may be said of the whole.
          for (const part of partsInPlace(zodSchema)) gaps.delete(part)
          if (reason !== undefined) gaps.set(zodSchema, { path: placeOf(path), reason })
        },
      }),
    )
    // zod gives it back from JSON.
    const { $schema: _, ...rest } = json as JsonObject
    return { schema: rest, gaps: [...gaps.values()] }
  } catch (error) {
    return free(`cannot be described: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Says that anything may stand there. */
function free(reason: string): DescribedSchema {
  return { schema: {}, gaps: [{ path: '', reason }] }
}
