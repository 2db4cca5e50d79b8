import type { Logger } from 'pino'
import { MAX_MICRO_CREDITS } from '../wire/amount.ts'
import type { Price } from './declarations.ts'

type Input = Readonly<Record<string, unknown>>

/** Whether a value is an amount of whole micro-credits that can be asked for. */
export function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= MAX_MICRO_CREDITS
}

/** Computes the most that a call may cost; undefined where the app's function returns no amount. */
export function reserveOf(price: Price, input: Input, log: Logger): number | undefined {
  if (typeof price === 'number') return price
  try {
    const reserve: unknown = price.reserve(input)
    if (isAmount(reserve)) return reserve
    log.error({ reserve: String(reserve) }, 'A reserve must be a whole number from 0 to 9e15')
  } catch (error) {
    log.error({ err: error }, 'The reserve of a price threw')
  }
  return undefined
}

export interface PriceInput {
  readonly price: Price
  readonly reserve: number
  /** The answer after the output schema. */
  readonly output: unknown
  readonly input: Input
}

/** Computes the cost of a successful call: at most its reserve, and its reserve where the app's function fails. */
export function costOf({ price, reserve, output, input }: PriceInput, log: Logger): number {
  if (typeof price === 'number') return Math.min(price, reserve)
  try {
    const charge: unknown = price.charge(output, input)
    if (isAmount(charge) && charge <= reserve) return charge
    log.error(
      { charge: String(charge), reserve },
      'A charge must be a whole number from 0 to its reserve; the reserve was charged',
    )
  } catch (error) {
    log.error({ err: error, reserve }, 'The charge of a price threw; the reserve was charged')
  }
  return reserve
}
