import { z } from 'zod'

/** What an account or a grant may hold at most: JSON carries whole numbers up to here exactly. */
export const MAX_MICRO_CREDITS = 9_000_000_000_000_000

/** What an amount may be, as the end of a sentence. */
export const AMOUNT_RULE = `a whole number of micro-credits from 1 to ${MAX_MICRO_CREDITS} (1000000 is 1 credit)`

const MESSAGE = `must be ${AMOUNT_RULE}`

/** An amount that moves: whole micro-credits, more than none. */
export const amountSchema = z.int(MESSAGE).min(1, MESSAGE).max(MAX_MICRO_CREDITS, MESSAGE)
