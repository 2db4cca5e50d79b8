import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toWireJson } from '../../server/wire/to-json.ts'
import { nestedArrays, plainData } from './arbitraries.ts'

const cyclic: Record<string, unknown> = {}
cyclic.self = [cyclic]

/** So many lists inside each other. */
function nested(depth: number): unknown {
  return JSON.parse(nestedArrays(depth))
}

describe('an answer over REST', () => {
  it.each<[name: string, value: unknown, json: string]>([
    [
      'a date as ISO 8601 in UTC',
      { at: new Date('2026-02-28T10:30:00+01:00') },
      '{"at":"2026-02-28T09:30:00.000Z"}',
    ],
    ['a bigint as decimal text', { n: [2n ** 64n, -1n] }, '{"n":["18446744073709551616","-1"]}'],
    ['no undefined property', { success: true, data: undefined }, '{"success":true}'],
    ['null as null', null, 'null'],
    ['a key named constructor', { constructor: 1 }, '{"constructor":1}'],
    ['a lone surrogate escaped', ['\ud800'], '["\\ud800"]'],
    ['as many levels as there may be', nested(200), nestedArrays(200)],
  ])('has %s', (_name, value, json) => {
    expect(toWireJson(value)).toBe(json)
  })

  it('has nothing that stands on a prototype', () => {
    const shared = { value: () => 1, enumerable: true, writable: true, configurable: true }
    Object.defineProperty(Object.prototype, 'everywhere', shared)
    let json = ''
    try {
      json = toWireJson({ at: new Date(0) })
    } finally {
      Reflect.deleteProperty(Object.prototype, 'everywhere')
    }
    expect(json).toBe('{"at":"1970-01-01T00:00:00.000Z"}')
  })

  it.each<[name: string, value: unknown, message: RegExp]>([
    ['NaN', { success: true, data: { total: Number.NaN } }, /finite.*Path: \["data","total"\]/],
    ['Infinity', [Number.POSITIVE_INFINITY], /finite/],
    ['an invalid date', [new Date(Number.NaN)], /valid instant/],
    ['a Map', { a: new Map() }, /no plain data/],
    ['a Set', { a: new Set() }, /no plain data/],
    ['a function', { a: () => 1 }, /no plain data/],
    ['a toJSON method', { toJSON: () => 'x' }, /no plain data/],
    ['a symbol', [Symbol('s')], /no plain data/],
    ['an Error', { e: new Error('secret') }, /no plain data/],
    ['a URL', new URL('https://example.com'), /no plain data/],
    ['bytes', Buffer.from('x'), /no plain data/],
    ['a cycle', cyclic, /too deep/],
    ['undefined', undefined, /no undefined/],
    ['a key named __proto__', JSON.parse('{"a":{"__proto__":1}}'), /__proto__/],
    ['a date that JSON has another form for', [new Date('+010000-01-01T00:00:00Z')], /years 1 to 9999/],
    ['NaN in a nest of lists', [[[Number.NaN]]], /Path: \[0,0,0\]/],
    ['what nests too deep', nested(201), /too deep/],
  ])('throws for %s', (_name, value, message) => {
    expect(() => toWireJson(value)).toThrow(message)
  })

  it('is JSON for all plain data, as JSON.stringify writes it, and leaves the answer as it was', () => {
    const texts = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
    fc.assert(
      fc.property(plainData, (value) => {
        const before = structuredClone({ value })
        expect(toWireJson({ value })).toBe(JSON.stringify({ value }, texts))
        expect({ value }).toEqual(before)
      }),
    )
  })
})
