import type { z } from 'zod'
import { parseDecimal, parseIsoInstant } from './scalars.ts'

/** How a value that JSON does not have is written; anything else zod says well enough. */
const WRITTEN: ReadonlyMap<string, string> = new Map([
  [
    'date',
    'must be a date and time with a zone, such as 2030-01-01T18:00:00Z (ISO 8601, to the millisecond)',
  ],
  ['bigint', 'must be a whole number, as text of decimal digits where it travels as JSON'],
])

/** What is wrong with a value and what would be right. */
export function issueMessage(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return issue.message
  if (issue.input === undefined && issue.message.endsWith('received undefined')) return 'is required'
  if (spells(issue.expected, issue.input))
    return `is text where a function of the schema should have made a ${issue.expected}`
  return WRITTEN.get(issue.expected) ?? issue.message
}

/** Whether a text is right as it was sent, and reached a schema that does not read it by way of a function. */
function spells(expected: string, input: unknown): boolean {
  if (typeof input !== 'string') return false
  return expected === 'date'
    ? parseIsoInstant(input) !== undefined
    : expected === 'bigint' && parseDecimal(input) !== undefined
}
