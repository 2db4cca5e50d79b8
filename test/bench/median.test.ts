import { describe, expect, it } from 'vitest'
import { median, percentile } from './median.ts'

describe('the median', () => {
  it.each([
    [[3], 3],
    [[5, 1, 3], 3],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 100], 10],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  it('of nothing is no number', () => {
    expect(median([])).toBeNaN()
  })
})

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n)

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
    [0, 1],
  ])('of %d among 1 to 100 is %d', (part, expected) => {
    expect(percentile(hundred, part)).toBe(expected)
  })
})
