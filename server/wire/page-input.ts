import { z } from 'zod'

export interface PageInputOptions {
  /** How many entries a page has unless the caller says so. @default 50 */
  readonly limit?: number
  /** How many a caller may ask for. @default 1000 */
  readonly maxLimit?: number
}

/** What `direction` says to a page: the only one that there is. */
export const FORWARD_RULE = 'must be forward: pages go one way, so keep those that were read'

/** Makes the fields of a page whose limit is known to its reader. */
export function pageFields(maxLimit: number) {
  const rule = `must be a whole number from 1 to ${maxLimit}`
  return {
    /** `nextCursor` of the page before; null or nothing for the first. */
    cursor: z.string('must be text').nullish(),
    limit: z.int(rule).min(1, rule).max(maxLimit, rule).optional(),
    /** Without effect: pages go forward. */
    direction: z.literal('forward', FORWARD_RULE).optional(),
  }
}

/**
 * Makes the fields that the input of a paged action has: `z.strictObject({ eventId: z.string(), ...page() })`. They take
 * what infinite queries of tRPC's React integrations send: `cursor: null` for the first page, and a `direction`.
 */
export function page({ limit = 50, maxLimit = 1_000 }: PageInputOptions = {}) {
  const { limit: given, ...fields } = pageFields(maxLimit)
  return { ...fields, limit: given.unwrap().default(limit) }
}
