import { describe, expect, it } from 'vitest'
import { readOptions } from './options.ts'

const NAMES = ['create', 'invite', 'size']

describe('the options of the benchmark', () => {
  it('measure everything at length when there are none', () => {
    expect(readOptions([], NAMES)).toEqual({
      only: [],
      rounds: 5,
      seconds: 3,
      growthRows: [1_000, 1_000_000],
      overloadSeconds: 30,
      json: false,
      profileDirectory: undefined,
    })
  })

  it('are quick on demand, and what is given beside it counts', () => {
    expect(readOptions(['--quick', '--rounds', '2', '--json'], NAMES)).toMatchObject({
      rounds: 2,
      seconds: 1,
      growthRows: [1_000, 20_000],
      overloadSeconds: 3,
      json: true,
    })
  })

  it('take names one by one and with commas', () => {
    expect(readOptions(['--only', 'create,size', '--only', 'invite'], NAMES).only).toEqual([
      'create',
      'size',
      'invite',
    ])
  })

  it.each([
    [['--only', 'creat'], 'There is no "creat" to measure; names are create, invite, size'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 9999, not "0"'],
    [['--seconds', '1.5'], '--seconds must be a whole number from 1 to 9999, not "1.5"'],
    [['--fast'], "Unknown option '--fast'"],
  ])('%j are refused', (args, message) => {
    expect(() => readOptions(args, NAMES)).toThrow(message)
  })
})
