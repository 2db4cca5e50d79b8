import type { z } from 'zod'

type Json = z.core.JSONSchema.BaseSchema

/**
 * Takes patterns out of a description of text that would mean something else there: JSON Schema has no flags, and its
 * patterns are Unicode's.
 *
 * @returns what cannot be said.
 */
export function describeText(schema: z.core.$ZodTypes, json: Json): string | undefined {
  const odd = patternsOf(schema).find((pattern) => !isPlain(pattern))
  if (!odd) return undefined
  const sources = new Set(
    patternsOf(schema)
      .filter((pattern) => !isPlain(pattern))
      .map(({ source }) => source),
  )
  if (json.pattern !== undefined && sources.has(json.pattern)) delete json.pattern
  const others = json.allOf?.filter(({ pattern }) => pattern === undefined || !sources.has(pattern))
  if (others?.length === 0) delete json.allOf
  else if (others) json.allOf = others
  return `${odd} is no pattern of JSON Schema, which has Unicode's and no flags: write it without them`
}

function patternsOf({ _zod: { def } }: z.core.$ZodTypes): readonly RegExp[] {
  const holders: readonly object[] = [def, ...(def.checks ?? []).map((check) => check._zod.def)]
  return holders.flatMap((holder) =>
    'pattern' in holder && holder.pattern instanceof RegExp ? [holder.pattern] : [],
  )
}

function isPlain({ source, flags }: RegExp): boolean {
  if (/[imsv]/.test(flags)) return false
  try {
    new RegExp(source, 'u')
    return true
  } catch {
    return false
  }
}
