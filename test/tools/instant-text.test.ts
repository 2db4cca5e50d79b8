import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { readInstant } from '../../drizzle/engine/column-types/date-types.ts'

/** As a session in UTC writes it: zeros at the end of the fraction are left out. */
function written(date: Date): string {
  return date
    .toISOString()
    .replace('T', ' ')
    .replace(/\.?0*Z$/, '+00')
}

it('an instant of the years 1 to 9999 is read as it was written', () => {
  const min = new Date('0001-01-01T00:00:00Z')
  const max = new Date('9999-12-31T23:59:59.999Z')
  fc.assert(
    fc.property(fc.date({ min, max, noInvalidDate: true }), (date) => {
      expect(readInstant(written(date))).toEqual(date)
    }),
    { numRuns: 5_000 },
  )
})

it.each([
  ['2026-11-25 04:30:00.5+00', '2026-11-25T04:30:00.500Z'],
  ['2026-11-25 04:30:00.05+00', '2026-11-25T04:30:00.050Z'],
  ['2026-11-25 04:30:00.123456+00', '2026-11-25T04:30:00.123Z'],
  ['2026-11-25 04:30:00+01', '2026-11-25T03:30:00.000Z'],
  ['2026-11-25 04:30:00-03:30', '2026-11-25T08:00:00.000Z'],
  ['0099-06-01 12:30:00.5+00', '0099-06-01T12:30:00.500Z'],
])('%s', (text, iso) => {
  expect(readInstant(text)?.toISOString()).toBe(iso)
})

it.each(['infinity', '-infinity', '12026-11-25 04:30:00+00', '0044-03-15 12:00:00+00 BC', '2026-11-25', ''])(
  '%s has another form',
  (text) => {
    expect(readInstant(text)).toBeUndefined()
  },
)
