import { expect, test } from 'vitest'
import { readOptions } from './options.ts'
import { Random } from './random.ts'

const NAMES = ['memory', 'other']

test('without arguments all scenarios run for five minutes with the seed that is offered', () => {
  expect(readOptions([], NAMES, 7)).toEqual({ only: NAMES, seconds: 300, seed: 7 })
})

test('names, seconds and a seed are taken', () => {
  const args = ['--only', 'memory', '--seconds', '20', '--seed', '0']
  expect(readOptions(args, NAMES, 7)).toEqual({ only: ['memory'], seconds: 20, seed: 0 })
})

test.each([
  [['--only', 'memry'], 'There is no scenario "memry"; scenarios are memory, other'],
  [['--seconds', '0'], '--seconds must be a whole number from 1 to 86400, not "0"'],
  [['--seconds', '1.5'], '--seconds must be a whole number from 1 to 86400, not "1.5"'],
  [['--seed', '4294967296'], '--seed must be a whole number from 0 to 4294967295, not "4294967296"'],
])('%j is refused with what would be right', (args, message) => {
  expect(() => readOptions(args, NAMES, 7)).toThrow(message)
})

test('a seed chooses the same numbers every time, and another seed chooses others', () => {
  const numbers = (seed: number) => {
    const random = new Random(seed)
    return Array.from({ length: 20 }, () => random.between(1, 1_000))
  }
  expect(numbers(3)).toEqual(numbers(3))
  expect(numbers(3)).not.toEqual(numbers(4))
  expect(numbers(3).every((number) => number >= 1 && number <= 1_000)).toBe(true)
})
