import { z } from 'zod'

/** Words that say what may stand somewhere. */
const KEYWORDS = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', 'not', '$ref']

/** All that JSON Schema (draft 2020-12) says in its own words, but for names. What else is in a `.meta` is the app's. */
const WORDS: ReadonlySet<string> = new Set([
  ...KEYWORDS,
  ...'title description default deprecated readOnly writeOnly examples format'.split(' '),
  ...'multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern'.split(' '),
  ...'items prefixItems contains minContains maxContains maxItems minItems uniqueItems unevaluatedItems'.split(
    ' ',
  ),
  ...'properties patternProperties additionalProperties propertyNames unevaluatedProperties'.split(' '),
  ...'maxProperties minProperties required dependentRequired dependentSchemas if then else'.split(' '),
  ...'contentEncoding contentMediaType contentSchema'.split(' '),
])

/** Gives what the author's `.meta` says of a schema in the words of JSON Schema; undefined where it says nothing. */
export function saidOf(schema: z.core.$ZodType): Record<string, unknown> | undefined {
  const said = z.globalRegistry.get(schema)
  return said && Object.fromEntries(Object.entries(said).filter(([word]) => WORDS.has(word)))
}

/** Whether its author's `.meta` says of a schema what may stand there. */
export function isSaid(schema: z.core.$ZodType): boolean {
  const said = saidOf(schema) ?? {}
  return KEYWORDS.some((keyword) => said[keyword] !== undefined)
}
