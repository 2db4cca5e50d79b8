import { z } from 'zod'

/** The most that an account or a grant may hold: JSON holds whole numbers up to here exactly. */
export const MAX_MICRO_CREDITS = 9_000_000_000_000_000

/** Says what an amount may be, as the end of a sentence. */
export const AMOUNT_RULE = `a whole number of micro-credits from 1 to ${MAX_MICRO_CREDITS} (1000000 is 1 credit)`

const MESSAGE = `must be ${AMOUNT_RULE}`

/** Checks an amount: whole micro-credits, at least 1. */
export const amountSchema = z.int(MESSAGE).min(1, MESSAGE).max(MAX_MICRO_CREDITS, MESSAGE)
