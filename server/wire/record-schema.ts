import { z } from 'zod'

/**
 * Makes the schema of a record for an output: these fields of its own, beside what every record has. What is not named
 * is not sent.
 *
 * ```ts
 * .output(z.object({ records: z.array(record({ title: z.string() })), nextCursor: z.string().nullable() }))
 * ```
 */
export function record<TFields extends z.core.$ZodLooseShape>(fields: TFields) {
  return z.object({
    recordId: z.string(),
    data: z.object(fields),
    createdBy: z.string().nullable(),
    createdAt: z.date().nullable(),
    updatedAt: z.date().nullable(),
    version: z.int(),
    unreadable: z.array(z.string()).optional(),
  })
}
