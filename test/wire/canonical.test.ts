import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../server/wire/to-json.ts'
import { plainData } from './arbitraries.ts'

describe('canonical text', () => {
  it.each<[what: string, value: unknown, text: string]>([
    ['sorts keys', { b: 1, a: [{ d: null, c: 'x' }] }, '{"a":[{"c":"x","d":null}],"b":1}'],
    ['tags dates', { at: new Date(0) }, '{"at":{"$date":"1970-01-01T00:00:00.000Z"}}'],
    ['tags bigints', [1n, 1], '[{"$bigint":"1"},1]'],
    ['tells a tag from a key that looks like one', { $date: 'x' }, '{"$$date":"x"}'],
    ['of a key with two', { $$a: 1, a$: 2 }, '{"$$$a":1,"a$":2}'],
    ['leaves undefined out', { a: undefined, b: [undefined] }, '{"b":[null]}'],
    [
      'keeps a key of every object',
      JSON.parse('{"__proto__":1,"constructor":2}'),
      '{"__proto__":1,"constructor":2}',
    ],
    ['of nothing', undefined, 'undefined'],
  ])('%s', (_what, value, text) => {
    expect(canonicalJson(value)).toBe(text)
  })

  it('is the same for the same data in another order', () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned)
      if (typeof value !== 'object' || value === null || value instanceof Date) return value
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, member]) => [key, turned(member)]),
      )
    }
    fc.assert(
      fc.property(plainData, (value) => {
        expect(canonicalJson(turned(value))).toBe(canonicalJson(value))
      }),
    )
  })
})
