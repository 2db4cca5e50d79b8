import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { redact } from '../../server/wire/redact.ts'

const secret = z.string().meta({ secret: true })
const S = '[secret]'

describe('a secret is left out', () => {
  it.each([
    ['of an object', z.strictObject({ a: secret, b: z.string() }), { a: 'x', b: 'y' }, { a: S, b: 'y' }],
    ['that is optional', z.strictObject({ a: secret.optional() }), { a: 'x' }, { a: S }],
    ['that is not there', z.strictObject({ a: secret.optional() }), {}, {}],
    ['that may be null', z.strictObject({ a: secret.nullable() }), { a: 'x' }, { a: S }],
    ['of a list', z.array(z.object({ a: secret })), [{ a: 'x' }, { a: 'y' }], [{ a: S }, { a: S }]],
    ['of a record', z.record(z.string(), secret), { k: 'x' }, { k: S }],
    ['of a tuple', z.tuple([z.string(), secret]), ['x', 'y'], ['x', S]],
    [
      'of one of several',
      z.union([z.object({ a: z.string() }), z.object({ a: secret })]),
      { a: 'x' },
      { a: S },
    ],
    [
      'of both halves',
      z.intersection(z.object({ a: secret }), z.object({ b: secret })),
      { a: '1', b: '2' },
      { a: S, b: S },
    ],
    ['behind a pipe', z.strictObject({ a: z.string().pipe(secret) }), { a: 'x' }, { a: S }],
    [
      'that a transform gives another name',
      z.strictObject({ a: z.object({ b: secret, c: z.string() }).transform(({ b, c }) => ({ d: b, c })) }),
      { a: { d: 'x', c: 'y' } },
      { a: S },
    ],
    [
      'that is worked on before it is read',
      z.strictObject({ a: z.preprocess((value) => value, z.object({ b: secret })) }),
      { a: { b: 'x' } },
      { a: S },
    ],
    ['that goes on after it is marked', z.strictObject({ a: secret.min(1).max(9) }), { a: 'x' }, { a: S }],
    [
      'and nothing else, behind a transform of what is none',
      z.strictObject({ a: z.string().transform((text) => text.length), b: secret }),
      { a: 1, b: 'x' },
      { a: 1, b: S },
    ],
    ['that is lazy', z.strictObject({ a: z.lazy(() => secret) }), { a: 'x' }, { a: S }],
    [
      'whole',
      z.strictObject({ a: z.object({ b: z.string() }).meta({ secret: true }) }),
      { a: { b: 'x' } },
      { a: S },
    ],
  ])('%s', (_what, schema, value, shown) => {
    expect(redact(schema, value)).toEqual(shown)
  })

  it('of a schema that holds itself, on the far side of a pipe', () => {
    type Tree = { key?: string | undefined; inner?: Tree | undefined }
    const tree: z.ZodType<Tree> = z.strictObject({
      key: secret.optional(),
      inner: z.lazy(() => z.unknown().pipe(tree)).optional(),
    })
    const outer = z.strictObject({ a: z.unknown().pipe(tree) })
    expect(redact(outer, { a: { inner: { key: 'x' } } })).toEqual({ a: { inner: { key: S } } })
    expect(redact(outer, { a: { inner: { key: 'x' } } })).toEqual({ a: { inner: { key: S } } })
  })

  it('and the value itself stays as it is', () => {
    const value = { a: 'x' }
    redact(z.strictObject({ a: secret }), value)
    expect(value).toEqual({ a: 'x' })
  })
})
