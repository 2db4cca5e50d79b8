import { z } from 'zod'
import { DefinitionError } from '../core/errors.ts'
import { declaredLimit } from '../limits/action-limit.ts'
import type { ActionMeta } from '../trpc/init.ts'

const MAX_LIFETIME_MS = 900_000
/** A line of a list. */
const MAX_SUMMARY_LENGTH = 120

const line = z.string().regex(/^\S[^\r\n]*$/, 'must be one line of text')

/** What is said of an action to those who read about it. */
const described = z.object({
  summary: line
    .max(MAX_SUMMARY_LENGTH, `must be at most ${MAX_SUMMARY_LENGTH} characters; description takes more`)
    .optional(),
  description: z.string().regex(/\S/, 'must be text').optional(),
  deprecated: z.boolean('must be true or false').optional(),
  live: z.boolean('must be true or false').optional(),
  tags: z
    .array(line, 'must be a list of text')
    .refine((tags) => new Set(tags).size === tags.length, 'must name no tag twice')
    .optional(),
})

/** @throws {DefinitionError} that says what an action may not be given. */
export function checkedMeta(isInternal: boolean, meta: ActionMeta): ActionMeta {
  const { lifetimeMs, limit } = meta
  const wrong = described.safeParse(meta).error?.issues[0]
  if (wrong) throw new DefinitionError(`meta.${wrong.path.join('.')} ${wrong.message}`)
  if (limit !== undefined) {
    if (isInternal)
      throw new DefinitionError('meta.limit is for what clients call, and no client calls an internalAction')
    declaredLimit(limit)
  }
  if (lifetimeMs === undefined) return meta
  if (!isInternal)
    throw new DefinitionError('lifetimeMs is for an internalAction: a client does not wait for minutes')
  if (!Number.isInteger(lifetimeMs) || lifetimeMs < 1 || lifetimeMs > MAX_LIFETIME_MS)
    throw new DefinitionError(`lifetimeMs must be whole milliseconds, at most ${MAX_LIFETIME_MS} (15 min)`)
  return meta
}
