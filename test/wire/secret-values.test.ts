import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { secretValues, withoutSecretValues } from '../../server/wire/secret-values.ts'

const secret = z.string().meta({ secret: true })

describe('the secret values of an input', () => {
  it.each([
    ['a field', z.object({ a: secret, b: z.string() }), { a: 'x', b: 'y' }, ['x']],
    ['a list', z.array(secret), ['x', 'y'], ['x', 'y']],
    ['a set', z.set(secret), new Set(['x']), ['x']],
    [
      'all that is in a marked object',
      z.object({ a: z.number() }).meta({ secret: true }),
      { a: 7 },
      ['a', 7],
    ],
    ['keys of a record', z.record(secret, z.string()), { x: 'y' }, ['x']],
    ['values of a record', z.record(z.string(), secret), { x: 'y' }, ['y']],
    ['values of a map', z.map(z.string(), secret), new Map([['x', 'y']]), ['y']],
    ['one among a list of objects', z.array(z.object({ a: secret.optional() })), [{}, { a: 'x' }], ['x']],
    ['none', z.object({ a: z.string() }), { a: 'x' }, []],
    ['an empty text, which is none', z.object({ a: secret }), { a: '' }, []],
  ] as const)('are those of %s', (_name, schema, value, expected) => {
    expect(secretValues(schema, value)).toEqual(expected)
  })
})

describe('an answer without secret values', () => {
  const long = 'a long secret'

  it('has none of them, in keys and in other texts', () => {
    const answer = {
      [`of ${long}`]: [`it is ${long}!`, { deep: long }],
      at: new Date(0),
      n: 5,
      big: 5n,
      none: null,
    }
    expect(withoutSecretValues(answer, [long, 5])).toEqual({
      'of [secret]': ['it is [secret]!', { deep: '[secret]' }],
      at: new Date(0),
      n: '[secret]',
      big: 5n,
      none: null,
    })
  })

  it('keeps texts that hold a short one by chance', () => {
    expect(withoutSecretValues(['ab', 'cabin'], ['ab'])).toEqual(['[secret]', 'cabin'])
  })

  it('has no token', () => {
    const token = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl'
    expect(withoutSecretValues(`Bearer ${token}.`, [])).toBe('Bearer [secret].')
  })

  it('is left as it is where there is nothing to leave out', () => {
    const answer = { a: [1, 'two', { three: new Date(3) }] }
    expect(withoutSecretValues(answer, [])).toEqual(answer)
  })
})
