import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isRecord } from '../../server/core/is-record.ts'
import { createParse } from '../../server/wire/parse.ts'
import { isSecretAt, redact, redactPath } from '../../server/wire/redact.ts'
import { schemasOf } from '../../server/wire/schema-scan.ts'
import { shapeOf } from '../../server/wire/zod-schema.ts'
import { CASES } from './zod-kinds.ts'

const SCHEMAS = CASES.flatMap(({ schema }) => [...schemasOf(schema)])

/** Every class of zod's that schemas are made of, and none that is merely under them or beside them. */
const CLASSES = Object.entries(z.core).filter(
  ([name, value]) =>
    /^\$Zod(?!Check|Registry|Type$|StringFormat$|ObjectJIT$|\w*Error$)/.test(name) &&
    typeof value === 'function',
)

describe('every kind of schema that zod has is known', () => {
  it.each(CLASSES)('%s', (_name, kind) => {
    const made = SCHEMAS.filter((schema) => schema instanceof (kind as typeof z.core.$ZodType))
    expect(made).not.toHaveLength(0)
    for (const schema of made) expect(shapeOf(schema).kind).not.toBe('unrecognized')
  })

  it('and made of all the schemas that its definition holds', () => {
    for (const schema of SCHEMAS) {
      // A check looks at the same value from beside.
      const { checks: _checks, ...def } = schema._zod.def
      const held = Object.values(def)
        .flatMap((value: unknown) => [
          value,
          ...(Array.isArray(value) || isRecord(value) ? Object.values(value) : []),
        ])
        .filter((value) => value instanceof z.core.$ZodType)
      expect(shapeOf(schema).parts).toEqual(expect.arrayContaining(held))
    }
  })
})

describe('a kind that is not known', () => {
  const odd = z.record(z.string(), z.string())
  Object.assign(odd._zod.def, { type: 'odd' })
  const schema = z.strictObject({ a: odd, b: z.string() })

  it('is shown to nobody, nor what is below it', () => {
    expect(shapeOf(odd).kind).toBe('unrecognized')
    expect(redact(schema, { a: { pin: '4711' }, b: 'x' })).toEqual({ a: '[secret]', b: 'x' })
    expect(redactPath(schema, ['a', 'pin', 'more'])).toEqual(['a', '[secret]', '[secret]'])
    expect(isSecretAt(schema, ['a', 'pin', 'more'])).toBe(true)
    expect(isSecretAt(schema, ['b'])).toBe(false)
  })

  it('is still parsed by zod', async () => {
    expect(await createParse(schema)({ a: { pin: '4711' }, b: 'x' })).toMatchObject({ success: true })
  })
})
