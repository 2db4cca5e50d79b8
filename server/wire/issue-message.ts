import type { z } from 'zod'

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
  return WRITTEN.get(issue.expected) ?? issue.message
}
