const MICRO = 1_000_000
const DIGITS = 6

/** Says an amount of micro-credits in credits, to the last one. */
export function creditsOf(amount: number): string {
  return `${(amount / MICRO).toLocaleString(undefined, { maximumFractionDigits: DIGITS })} credits`
}

/** Reads credits that someone has typed. @returns whole micro-credits; undefined for what is no amount. */
export function microOf(text: string): number | undefined {
  const [, whole = '', part = ''] = /^\s*(\d{1,10})(?:\.(\d{1,6}))?\s*$/.exec(text) ?? []
  if (whole === '') return undefined
  const amount = Number(whole) * MICRO + Number(part.padEnd(DIGITS, '0'))
  return amount > 0 ? amount : undefined
}
