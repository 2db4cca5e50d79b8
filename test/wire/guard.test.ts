import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findUnacceptable, MAX_DEPTH } from '../../server/wire/plain-data.ts'
import { nestedArrays, plainData } from './arbitraries.ts'

const PROTO_KEY: unknown = JSON.parse('{"a":{"__proto__":1}}')
const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic

describe('what no schema may accept', () => {
  it.each<[name: string, value: unknown, message: RegExp, path: (string | number)[]]>([
    ['NUL in text', { a: ['x', 'a\0b'] }, /NUL/, ['a', 1]],
    ['NUL in a key', { a: { 'k\0': 1 } }, /^Key contains NUL/, ['a']],
    ['a lone high surrogate', ['\ud83d'], /surrogate/, [0]],
    ['a lone low surrogate', ['x\ude00y'], /surrogate/, [0]],
    ['a lone surrogate in a key', { '\ud83d': 1 }, /^Key .*surrogate/, []],
    ['NaN', [Number.NaN], /finite/, [0]],
    ['1e309', JSON.parse('{"n":1e309}'), /finite/, ['n']],
    ['-Infinity', Number.NEGATIVE_INFINITY, /finite/, []],
    ['2^53', 2 ** 53, /may have lost digits/, []],
    ['2^53+1 in JSON', JSON.parse('[9007199254740993]'), /may have lost digits/, [0]],
    ['-(2^53)', -(2 ** 53), /may have lost digits/, []],
    ['an invalid Date', [new Date(Number.NaN)], /years 1 to 9999/, [0]],
    ['the year 0', new Date('0000-12-31T23:59:59.999Z'), /years 1 to 9999/, []],
    ['the year 10000', new Date('+010000-01-01T00:00:00.000Z'), /years 1 to 9999/, []],
    ['the year 275760', new Date(8.64e15), /years 1 to 9999/, []],
    ['a bigint of 41 digits', 10n ** 40n, /40 digits/, []],
    ['a negative bigint of 41 digits', -(10n ** 40n), /40 digits/, []],
    ['a key __proto__', PROTO_KEY, /__proto__/, ['a']],
    ['a function', { a: () => 1 }, /no plain data/, ['a']],
    ['a symbol', [Symbol('s')], /no plain data/, [0]],
    ['a Map', new Map(), /no plain data/, []],
    ['an Error', new Error('x'), /no plain data/, []],
    ['bytes', new Uint8Array(2), /no plain data/, []],
    ['an instance of a class', new (class Thing {})(), /no plain data/, []],
    ['a cycle', cyclic, /too deep/, Array(MAX_DEPTH).fill('self')],
    ['100 000 nested arrays', JSON.parse(nestedArrays(100_000)), /too deep/, Array(MAX_DEPTH).fill(0)],
  ])('refuses %s', (_name, value, message, path) => {
    const issue = findUnacceptable(value)
    expect(issue?.message).toMatch(message)
    expect(issue?.path).toEqual(path)
  })

  it('refuses the first level beyond the depth limit and no earlier', () => {
    expect(findUnacceptable(JSON.parse(nestedArrays(MAX_DEPTH)))).toBeUndefined()
    expect(findUnacceptable(JSON.parse(nestedArrays(MAX_DEPTH + 1)))?.message).toContain('at most 32')
  })

  it('names the first problem only', () => {
    expect(findUnacceptable(Array(100_000).fill('\0'))?.path).toEqual([0])
  })

  it('shows a long key shortened and well-formed in the path, and never a value', () => {
    const secret = 'hunter2'
    const issue = findUnacceptable({ [`${'k'.repeat(63)}😀${'k'.repeat(1e6)}`]: `${secret}\0` })
    expect(issue?.path).toEqual([`${'k'.repeat(63)}\uFFFD…`])
    expect(JSON.stringify(issue)).not.toContain(secret)
  })
})

describe('what is left to the schema', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['an undefined property', { a: undefined }],
    ['-0', -0],
    ['the largest safe integer', Number.MAX_SAFE_INTEGER],
    ['a fraction', 0.1],
    ['a pair of surrogates', '😀'],
    ['the last millisecond of 9999', new Date('9999-12-31T23:59:59.999Z')],
    ['the first millisecond of year 1', new Date('0001-01-01T00:00:00.000Z')],
    ['a bigint of 40 digits', 10n ** 40n - 1n],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a key named constructor', { constructor: 'Ferrari', prototype: true, toString: 1 }],
    ['one megabyte of text', 'ä'.repeat(500_000)],
    ['100 000 elements', Array(100_000).fill({ a: 1 })],
  ])('lets %s pass', (_name, value) => {
    expect(findUnacceptable(value)).toBeUndefined()
  })

  it('lets all plain data pass', () => {
    fc.assert(fc.property(plainData, (value) => findUnacceptable(value) === undefined))
  })
})

describe('planted text', () => {
  const bad = fc.constantFrom('\0', '\ud800', '\udfff', 'x\udc00\ud800')

  it('is found wherever it stands', () => {
    fc.assert(
      fc.property(plainData, plainData, bad, fc.boolean(), (before, after, planted, asKey) => {
        const carrier = asKey ? { [`k${planted}`]: after } : { deep: [planted, after] }
        const issue = findUnacceptable([before, { carrier }, after])
        expect(issue?.path).toEqual(asKey ? [1, 'carrier'] : [1, 'carrier', 'deep', 0])
      }),
    )
  })
})
