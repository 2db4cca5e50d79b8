import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isoText } from '../../server/wire/scalars.ts'

it('an instant is written as toISOString writes it', () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), (date) => {
      expect(isoText(date)).toBe(date.toISOString())
    }),
    { numRuns: 5_000 },
  )
})

it.each([
  '1970-01-01T00:00:00.000Z',
  '1969-12-31T23:59:59.999Z',
  '0001-01-01T00:00:00.000Z',
  '2024-02-29T23:59:59.001Z',
  '9999-12-31T23:59:59.999Z',
  '-000001-03-01T00:00:00.010Z',
])('%s, also when its day is known', (text) => {
  const date = new Date(text)
  expect([isoText(date), isoText(date)]).toEqual([text, text])
})
