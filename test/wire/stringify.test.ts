import fc from 'fast-check'
import { expect, it } from 'vitest'
import { stringify } from '../../server/wire/stringify.ts'
import { plainData } from './arbitraries.ts'

it('JSON is as JSON.stringify writes it, with bigints as decimal text', () => {
  const whole = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
  fc.assert(
    fc.property(plainData, (value) => {
      expect(stringify(value)).toBe(JSON.stringify(value, whole))
    }),
  )
})

it('a cycle is refused', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  expect(() => stringify(cyclic)).toThrow(TypeError)
})
