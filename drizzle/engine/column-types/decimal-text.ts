const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** A decimal as its digits, without zeros at either end, times a power of ten. */
interface Decimal {
  readonly sign: string
  readonly digits: string
  readonly exponent: number
}

/** Whether two texts of numbers mean the same number, to the last digit. */
export function isSameDecimal(one: string, other: string): boolean {
  const [a, b] = [parse(one), parse(other)]
  return (
    a !== undefined &&
    b !== undefined &&
    a.sign === b.sign &&
    a.digits === b.digits &&
    a.exponent === b.exponent
  )
}

/** Whether a decimal has at most so many digits before and after its point. False for what is no decimal. */
export function fitsDigits(text: string, whole: number, fraction: number): boolean {
  const decimal = parse(text)
  if (!decimal) return false
  const { digits, exponent } = decimal
  return digits.length + exponent <= whole && -exponent <= fraction
}

function parse(text: string): Decimal | undefined {
  const match = DECIMAL.exec(text)
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = '', power = '0'] = match
  const significant = `${whole}${fraction}`.replace(/^0+/, '')
  const digits = significant.replace(/0+$/, '')
  if (digits === '') return { sign: '', digits, exponent: 0 }
  return { sign, digits, exponent: Number(power) - fraction.length + significant.length - digits.length }
}
