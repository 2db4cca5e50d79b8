import { describe, expect, it } from 'vitest'
import { parseJson } from '../../server/wire/parse-json.ts'
import { stringify } from '../../server/wire/to-json.ts'
import { nestedArrays } from './arbitraries.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('bodies that are JSON', () => {
  it.each<[name: string, body: Uint8Array, value: unknown]>([
    ['no bytes, as an empty object', bytes(''), {}],
    ['a byte order mark, ignored', bytes('\uFEFF{"a":1}'), { a: 1 }],
    ['a byte order mark alone, as an empty object', bytes('\uFEFF'), {}],
    ['duplicate keys, the last one winning', bytes('{"a":1,"a":2}'), { a: 2 }],
    ['-0', bytes('[-0]'), [-0]],
    ['1e309 as Infinity, for the guard to refuse', bytes('[1e309]'), [Number.POSITIVE_INFINITY]],
    ['text of four-byte characters', bytes('"😀"'), '😀'],
  ])('reads %s', (_name, body, value) => {
    expect(parseJson(body)).toStrictEqual({ ok: true, value })
  })

  it('keeps __proto__ as an own key', () => {
    const parsed = parseJson(bytes('{"__proto__":{"admin":true}}'))
    expect(parsed.ok && Object.keys(Object(parsed.value))).toEqual(['__proto__'])
    expect(parsed.ok && Object(parsed.value).admin).toBeUndefined()
  })

  it('refuses 100 000 nested arrays without a crash', () => {
    expect(parseJson(bytes(nestedArrays(100_000)))).toMatchObject({
      ok: false,
      issue: { message: expect.stringContaining('Nesting is too deep') },
    })
  })
})

describe('bodies that are not', () => {
  it.each<[name: string, body: Uint8Array, message: string]>([
    ['a stray byte', Uint8Array.of(0x22, 0xff, 0x22), 'Body is not valid UTF-8: send JSON encoded as UTF-8.'],
    [
      'a cut character',
      Uint8Array.of(0x22, 0xe2, 0x82),
      'Body is not valid UTF-8: send JSON encoded as UTF-8.',
    ],
    [
      'an encoded surrogate',
      Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22),
      'Body is not valid UTF-8: send JSON encoded as UTF-8.',
    ],
    [
      'an overlong slash',
      Uint8Array.of(0x22, 0xc0, 0xaf, 0x22),
      'Body is not valid UTF-8: send JSON encoded as UTF-8.',
    ],
    ['white space alone', bytes('  '), 'Body is not valid JSON.'],
    ['a missing quote', bytes('{a:1}'), 'Body is not valid JSON at position 1.'],
    ['an open list', bytes(nestedArrays(100).slice(0, -1)), 'Body is not valid JSON'],
    ['two values', bytes('1 2'), 'Body is not valid JSON at position 2.'],
    ['NaN', bytes('NaN'), 'Body is not valid JSON.'],
  ])('refuses %s', (_name, body, message) => {
    const parsed = parseJson(body)
    expect(parsed.ok ? undefined : parsed.issue.message).toContain(message)
    expect(parsed.ok ? undefined : parsed.issue.path).toEqual([])
  })

  it('reads the next body after a refused one', () => {
    expect(parseJson(Uint8Array.of(0xe2, 0x82)).ok).toBe(false)
    expect(parseJson(bytes('"x"'))).toEqual({ ok: true, value: 'x' })
  })

  it.each(['{"password": hunter2}', '{"password": "hunter2"', 'hunter2', '["hunter2" at position 7'])(
    'never quotes the body: %s',
    (body) => {
      expect(JSON.stringify(parseJson(bytes(body)))).not.toContain('hunter2')
    },
  )
})

describe('a value is written as JSON', () => {
  it('with bigints as decimal text, wherever they stand', () => {
    const value = { a: 12n, b: [-1n, { c: 10n ** 30n }], d: 'x', e: null, f: new Date(0), g: undefined }
    expect(stringify(value)).toBe(
      '{"a":"12","b":["-1",{"c":"1000000000000000000000000000000"}],"d":"x","e":null,"f":"1970-01-01T00:00:00.000Z"}',
    )
    expect(stringify(7n)).toBe('"7"')
  })

  it('but for a cycle', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    expect(() => stringify(cyclic)).toThrow(TypeError)
  })
})
