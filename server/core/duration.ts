const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

export type DurationUnit = keyof typeof UNIT_SECONDS

/** Reads a whole number from 1 to 999999 with one of the units, as in `12h`, in seconds; undefined for anything else. */
export function parseDuration(text: string, units: readonly DurationUnit[]): number | undefined {
  const [, count, letter] = /^([1-9]\d{0,5})([a-z])$/.exec(text) ?? []
  const unit = units.find((each) => each === letter)
  return unit === undefined ? undefined : Number(count) * UNIT_SECONDS[unit]
}
