import fc from 'fast-check'
import { SuperJSON } from 'superjson'
import { describe, expect, it } from 'vitest'
import { findUnacceptable } from '../../server/wire/plain-data.ts'
import { transformer, UnacceptableInput } from '../../server/wire/serialize.ts'
import { nestedArrays, overTheWire, plainData } from './arbitraries.ts'

const client = new SuperJSON()
const AT = new Date('2026-02-28T09:30:00.000Z')

describe('plain data', () => {
  it('comes back unchanged through the transformer', () => {
    fc.assert(
      fc.property(plainData, (value) => {
        expect(transformer.deserialize(overTheWire(transformer.serialize(value)))).toStrictEqual(value)
      }),
    )
  })

  it('arrives unchanged from a client with superjson', () => {
    fc.assert(
      fc.property(plainData, (value) => {
        expect(transformer.deserialize(overTheWire(client.serialize(value)))).toStrictEqual(value)
      }),
    )
  })

  it('reaches a client with superjson unchanged', () => {
    fc.assert(
      fc.property(plainData, (value) => {
        expect(client.deserialize(JSON.parse(JSON.stringify(transformer.serialize(value))))).toStrictEqual(
          value,
        )
      }),
    )
  })

  it('is repeated where the client shared it', () => {
    const shared = { at: AT, amounts: [5n] }
    const value = { first: shared, list: [shared, shared, AT, 5n], 'a.b\\c': shared }
    const wire = overTheWire(client.serialize(value))
    expect(wire).toHaveProperty('meta.referentialEqualities')
    expect(transformer.deserialize(wire)).toStrictEqual(value)
  })

  it('may repeat the same bigint in thousands of rows', () => {
    const value = Array.from({ length: 10_000 }, () => ({ amount: 100n }))
    expect(transformer.deserialize(overTheWire(client.serialize(value)))).toStrictEqual(value)
  })

  it('arrives from a client that sends paths of before version 1', () => {
    const wire = { json: { 'a.b\\c': AT.toISOString() }, meta: { values: { 'a\\.b\\c': ['Date'] } } }
    expect(transformer.deserialize(wire)).toStrictEqual({ 'a.b\\c': AT })
  })

  it.each<[string, unknown]>([
    ['100 000 elements', Array(100_000).fill('x')],
    ['keys of Object.prototype', JSON.parse('{"constructor":1,"toString":2,"prototype":3}')],
    ['100 000 nested arrays', JSON.parse(nestedArrays(100_000))],
  ])('without annotations passes as it is: %s', (_name, json) => {
    expect(transformer.deserialize({ json })).toBe(json)
  })
})

describe('an answer', () => {
  it('carries a key named constructor', () => {
    const value = { constructor: 'Ferrari', prototype: [1], at: AT }
    expect(client.deserialize(JSON.parse(JSON.stringify(transformer.serialize(value))))).toStrictEqual(value)
  })

  it('repeats what is shared and has no referentialEqualities', () => {
    const shared = { a: 1 }
    expect(transformer.serialize([shared, shared])).toStrictEqual({ json: [{ a: 1 }, { a: 1 }] })
  })

  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic

  it.each<[string, unknown]>([
    ['a cycle', cyclic],
    ['NaN', [Number.NaN]],
    ['an Error', new Error('secret')],
    ['a Map', { a: new Map() }],
    ['a function', [() => 1]],
    ['a date that the client could not read', { constructor: AT }],
    ['a key __proto__', JSON.parse('{"__proto__":1}')],
  ])('throws for %s', (_name, value) => {
    expect(() => transformer.serialize(value)).toThrow('The answer cannot be sent')
  })
})

/** What an attacker sends: everything beside `meta` and `json` of a well-formed call. */
const annotate = (json: unknown, values: unknown) => ({ json, meta: { values, v: 1 } })
const refer = (json: unknown, referentialEqualities: unknown) => ({
  json,
  meta: { referentialEqualities, v: 1 },
})

const cycle: Record<string, unknown> = { list: [] }
cycle.list = [cycle]
const innerCycle: Record<string, unknown> = {}
innerCycle.self = innerCycle

const chain = (depth: number, leaf: unknown) =>
  JSON.parse('{"a":'.repeat(depth) + JSON.stringify(leaf) + '}'.repeat(depth))

describe('an envelope that is refused', () => {
  it.each<[name: string, wire: unknown, message: RegExp]>([
    ['no envelope', { title: 'x' }, /superjson envelope/],
    ['null', null, /superjson envelope/],
    ['undefined', undefined, /superjson envelope/],
    ['text', 'x', /superjson envelope/],
    ['a list', [{ json: 1 }], /superjson envelope/],
    ['no json', { meta: {} }, /superjson envelope/],
    ['a further key', { json: 1, extra: 1 }, /superjson envelope/],
    ['an own __proto__', JSON.parse('{"json":1,"__proto__":{"meta":{}}}'), /superjson envelope/],
    ['meta null', { json: 1, meta: null }, /meta may have/],
    ['a further key in meta', { json: 1, meta: { values: {}, custom: 1 } }, /meta may have/],
    ['another version', { json: 1, meta: { v: 2 } }, /version/],
    ['a version of text', { json: 1, meta: { v: '1' } }, /version/],
    ['annotations of text', annotate({}, 'Date'), /must be a tree/],
    ['annotations null', annotate({}, null), /must be a tree/],
    ['a nested annotation null', annotate({ a: 1 }, { a: null }), /must be a tree/],

    ['a path through __proto__', annotate({ a: 1 }, { '__proto__.x': ['Date'] }), /no value/],
    [
      'an own key __proto__',
      annotate(JSON.parse('{"__proto__":"2"}'), JSON.parse('{"__proto__":["bigint"]}')),
      /no value/,
    ],
    [
      'a nested __proto__',
      annotate({ a: {} }, { a: JSON.parse('{"__proto__":{"x":["undefined"]}}') }),
      /no value/,
    ],
    [
      'a path through constructor',
      annotate({ a: {} }, { 'a.constructor.prototype.x': ['Date'] }),
      /no value/,
    ],
    ['an own key constructor', annotate({ constructor: '1' }, { constructor: ['bigint'] }), /no value/],
    ['a path to a method', annotate({ a: {} }, { 'a.toString': ['bigint'] }), /no value/],
    ['a path into text', annotate({ a: '12' }, { 'a.0': ['bigint'] }), /no value/],
    ['the length of a list', annotate(['1'], { length: ['bigint'] }), /no value/],
    ['an index with a zero before it', annotate(['1', '2'], { '01': ['bigint'] }), /no value/],
    ['a negative index', annotate(['1'], { '-1': ['bigint'] }), /no value/],
    ['an index beyond the list', annotate(['1'], { 1: ['undefined'] }), /no value/],
    ['a huge index', annotate(['1'], { 4294967294: ['undefined'] }), /no value/],
    ['a missing key', annotate({}, { a: ['undefined'] }), /no value/],
    ['a malformed escape', annotate({ a: 'x' }, { 'a\\x': ['Date'] }), /malformed/],
    ['a path of 100 000 segments', annotate({}, { ['a.'.repeat(100_000)]: ['Date'] }), /too deep/],
    ['annotations 100 000 deep', annotate(chain(100_000, '1'), chain(100_000, ['bigint'])), /too deep/],

    ['a bigint of a million digits', annotate('9'.repeat(1e6), ['bigint']), /40 decimal digits/],
    ['a bigint of 41 digits', annotate('1'.repeat(41), ['bigint']), /40 decimal digits/],
    ['a hexadecimal bigint', annotate('0x10', ['bigint']), /40 decimal digits/],
    ['a bigint of a number', annotate(12, ['bigint']), /40 decimal digits/],
    ['a Date without a zone', annotate('2026-01-01T00:00:00', ['Date']), /with a zone/],
    ['a Date of a number', annotate(0, ['Date']), /with a zone/],
    ['a Date of null', annotate(null, ['Date']), /with a zone/],
    ['30 February', annotate('2026-02-30T00:00:00.000Z', ['Date']), /with a zone/],
    ['the year 0', annotate('0000-01-01T00:00:00.000Z', ['Date']), /years 1 to 9999/],
    ['the year 275760', annotate('+275760-09-13T00:00:00.000Z', ['Date']), /years 1 to 9999/],
    ['undefined over a value', annotate({ a: 1 }, { a: ['undefined'] }), /must stand on null/],
    ['NaN', annotate('NaN', ['number']), /finite/],
    ['Infinity', annotate('Infinity', ['number']), /finite/],
    ['a number of text', annotate('9007199254740993', ['number']), /finite/],

    ['an invalid RegExp', annotate('/(/', ['regexp']), /not accepted/],
    ['a RegExp', annotate('/a/', ['regexp']), /not accepted/],
    ['a Map', annotate([['a', 1]], ['map']), /not accepted/],
    ['a Set', annotate([1], ['set']), /not accepted/],
    ['a Set with annotations inside', annotate(['1'], ['set', { 0: ['bigint'] }]), /not accepted/],
    ['a Date with annotations inside', annotate(AT.toISOString(), ['Date', { x: ['Date'] }]), /not accepted/],
    ['a URL', annotate('https://example.com', ['URL']), /not accepted/],
    ['an Error', annotate({ name: 'x', message: 'y' }, ['Error']), /not accepted/],
    ['a symbol', annotate('x', [['symbol', 'x']]), /not accepted/],
    ['a class', annotate({}, [['class', 'Thing']]), /not accepted/],
    ['a custom type', annotate({}, [['custom', 'Thing']]), /not accepted/],
    ['a typed array', annotate([1], [['typed-array', 'Uint8Array']]), /not accepted/],
    ['an unknown type', annotate('x', ['constructor']), /not accepted/],
    ['an empty annotation', annotate('x', []), /not accepted/],

    ['a cycle', overTheWire(client.serialize(cycle)), /refers to itself/],
    [
      'a cycle below the root',
      overTheWire(client.serialize({ x: innerCycle, y: innerCycle })),
      /refers to itself/,
    ],
    [
      'a client that leaves out repeated values',
      overTheWire(new SuperJSON({ dedupe: true }).serialize([AT, AT])),
      /refers to itself/,
    ],
    ['a function by reference', refer({ a: {}, b: null }, { 'a.toString': ['b'] }), /json does not hold/],
    ['a reference through __proto__', refer({ a: {} }, { a: ['__proto__.polluted'] }), /json does not hold/],
    ['a reference through constructor', refer({ a: {} }, { 'a.constructor': ['a'] }), /json does not hold/],
    ['a reference to a place that is null', refer({ a: {}, b: null }, { a: ['b'] }), /refers to itself/],
    ['a reference to nowhere', refer({ a: {} }, { a: ['c'] }), /json does not hold/],
    ['references of the root', refer({ a: null }, [['a']]), /refers to itself/],
    ['references of text', refer({}, 'x'), /malformed/],
    ['references null', refer({}, null), /malformed/],
    ['references with a third part', refer({}, [[], {}, {}]), /malformed/],
    ['references that are no lists', refer({ a: 1 }, { a: 'a' }), /malformed/],
    ['references that are no text', refer({ a: 1 }, { a: [1] }), /malformed/],
    ['too many references', refer({ a: 1 }, { a: Array(50_001).fill('a') }), /Too many/],
    ['a reference of 100 000 segments', refer({}, { a: ['a.'.repeat(100_000)] }), /json does not hold/],
  ])('%s', (_name, wire, message) => {
    const result = transformer.deserialize(wire)
    expect(result).toBeInstanceOf(UnacceptableInput)
    expect(result instanceof UnacceptableInput && result.issue.message).toMatch(message)
  })

  it('names the place', () => {
    const result = transformer.deserialize(
      annotate({ list: [{ 'a.b': 'x' }] }, { 'list.0': { 'a\\.b': ['Date'] } }),
    )
    expect(result instanceof UnacceptableInput && result.issue.path).toEqual(['list', '0', 'a.b'])
  })

  it('leaves Object.prototype clean and the input unread', () => {
    const json = { a: {}, b: '1' }
    transformer.deserialize(annotate(json, { b: ['bigint'], '__proto__.polluted': ['undefined'] }))
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    expect(json.b).toBe('1')
  })
})

describe('references that would cost seconds to follow', () => {
  it('are dropped, whatever they double', () => {
    // Followed, each entry doubles the tree that the next one reads and writes.
    const json = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, { l: {}, r: {} }]))
    const equalities = Object.fromEntries(
      Array.from({ length: 29 }, (_, n) => [`k${n}`, [`k${n + 1}.l`, `k${n + 1}.r`]]),
    )
    expect(transformer.deserialize(refer(json, equalities))).toStrictEqual(json)
  })

  it('are dropped, however often they name the root', () => {
    const json = { a: { a: {} } }
    expect(transformer.deserialize(refer(json, [Array(1000).fill('a.a')]))).toStrictEqual({ a: { a: {} } })
  })
})

describe('any envelope at all', () => {
  const name = fc.constantFrom(
    'a',
    'b',
    'a.b',
    '0',
    '0.0',
    '',
    '__proto__',
    'constructor',
    'length',
    'a\\.b',
    '\\',
  )
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(null, '1', '-0', AT.toISOString(), 1, true, 'NaN'),
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value
  const type = fc.constantFrom('Date', 'bigint', 'undefined', 'number', 'map', 'set', 'regexp', 'Error')
  const values = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      fc.tuple(type),
      fc.dictionary(name, tie('tree'), { maxKeys: 3, noNullPrototype: true }),
      fc.tuple(type, tie('tree')),
    ),
  })).tree
  const equalities = fc.oneof(
    fc.dictionary(name, fc.array(name)),
    fc.tuple(fc.array(name)),
    fc.tuple(fc.array(name), fc.dictionary(name, fc.array(name))),
  )
  const wire = fc.record({
    json,
    meta: fc.record(
      { values, referentialEqualities: equalities, v: fc.constantFrom(0, 1) },
      { requiredKeys: [] },
    ),
  })

  it('is read or refused, and never throws', () => {
    fc.assert(
      fc.property(wire, (envelope) => {
        expect(() => transformer.deserialize(overTheWire(envelope))).not.toThrow()
      }),
      { numRuns: 2000 },
    )
  })

  it('holds nothing but plain data, dates and bigints once it is read', () => {
    fc.assert(
      fc.property(wire, (envelope) => {
        const read = transformer.deserialize(overTheWire(envelope))
        fc.pre(!(read instanceof UnacceptableInput))
        expect(findUnacceptable(read)?.message ?? '').not.toContain('no plain data')
      }),
      { maxSkipsPerRun: 1000 },
    )
  })
})
