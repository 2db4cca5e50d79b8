import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDecimal, parseIsoInstant } from '../../server/wire/scalars.ts'
import { decimal, instant } from './arbitraries.ts'

// limits.md: decimal

describe('ISO 8601 text', () => {
  it.each([
    ['2026-02-28T09:30:00Z', '2026-02-28T09:30:00.000Z'],
    ['2026-02-28T09:30Z', '2026-02-28T09:30:00.000Z'],
    ['2026-02-28T09:30:00.5+01:00', '2026-02-28T08:30:00.500Z'],
    ['2026-02-28T23:30:00-05:30', '2026-03-01T05:00:00.000Z'],
    ['2026-02-28T09:30:00.123000Z', '2026-02-28T09:30:00.123Z'],
    ['2024-02-29T00:00:00.000Z', '2024-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['0099-06-01T00:00:00Z', '0099-06-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is %s', (text, expected) => {
    expect(parseIsoInstant(text)?.toISOString()).toBe(expected)
  })

  it.each([
    ['no zone', '2026-02-28T09:30:00'],
    ['a date alone', '2026-02-28'],
    ['30 February', '2026-02-30T00:00:00Z'],
    ['29 February of a common year', '2026-02-29T00:00:00Z'],
    ['31 April', '2026-04-31T00:00:00+02:00'],
    ['month 13', '2026-13-01T00:00:00Z'],
    ['month 0', '2026-00-01T00:00:00Z'],
    ['day 0', '2026-01-00T00:00:00Z'],
    ['hour 24', '2026-01-01T24:00:00Z'],
    ['minute 60', '2026-01-01T00:60:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['an offset of 24 hours', '2026-01-01T00:00:00+24:00'],
    ['an offset of 60 minutes', '2026-01-01T00:00:00+01:60'],
    ['microseconds', '2026-01-01T00:00:00.123456Z'],
    ['the year 0', '0000-06-01T00:00:00Z'],
    ['year 0 by its offset', '0001-01-01T00:00:00+01:00'],
    ['year 10000 by its offset', '9999-12-31T23:59:59-01:00'],
    ['the year 275760', '+275760-09-13T00:00:00.000Z'],
    ['white space', ' 2026-02-28T09:30:00Z'],
    ['a line feed at the end', '2026-02-28T09:30:00Z\n'],
    ['a space for T', '2026-02-28 09:30:00Z'],
    ['a number', '1767225600000'],
    ['nothing', ''],
    ['a million digits', `2026-02-28T09:30:00.${'0'.repeat(1e6)}Z`],
  ])('is no instant with %s', (_name, text) => {
    expect(parseIsoInstant(text)).toBeUndefined()
  })

  it('reads back every instant of the years 1 to 9999', () => {
    fc.assert(
      fc.property(instant, (date) => {
        expect(parseIsoInstant(date.toISOString())).toEqual(date)
      }),
    )
  })
})

describe('decimal text', () => {
  it('reads back every bigint of at most 40 digits', () => {
    fc.assert(fc.property(decimal, (value) => parseDecimal(String(value)) === value))
  })

  it.each(['', '-', '+1', '1.0', '1e3', '0x10', ' 1', '1\n', '1n', '١', '1'.repeat(41), '9'.repeat(1e6)])(
    '%j is no bigint',
    (text) => {
      expect(parseDecimal(text)).toBeUndefined()
    },
  )
})
