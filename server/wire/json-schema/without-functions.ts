import { z } from 'zod'
import type { Schema } from '../zod-schema.ts'

type Process = NonNullable<Schema['_zod']['processJSONSchema']>

/**
 * Lets zod describe schemas without asking a default, a prefault or a catch for its value: it may be a function, whose
 * value is of that moment, and zod does not tell which it is. Meanwhile each of them is described as what it wraps.
 */
export function withoutFunctions<T>(schemas: Iterable<Schema>, describe: () => T): T {
  const changed: { readonly schema: Schema; readonly before: Process | undefined }[] = []
  try {
    for (const schema of schemas) {
      const { def } = (schema as z.core.$ZodTypes)._zod
      if (def.type !== 'default' && def.type !== 'prefault' && def.type !== 'catch') continue
      const { innerType } = def
      changed.push({ schema, before: schema._zod.processJSONSchema })
      schema._zod.processJSONSchema = (context, _json, params) => {
        z.core.processSchema(innerType, context, params)
        const seen = context.seen.get(schema)
        if (seen) seen.ref = innerType
      }
    }
    return describe()
  } finally {
    for (const { schema, before } of changed) {
      if (before) schema._zod.processJSONSchema = before
      else delete schema._zod.processJSONSchema
    }
  }
}
