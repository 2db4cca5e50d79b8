import { expect, it } from 'vitest'
import { uuidv7 } from '../../server/core/uuid.ts'

it('makes ids of version 7 that are greater than those before, beyond its pool of random numbers', () => {
  const ids = Array.from({ length: 5_000 }, () => uuidv7())
  expect(ids.every((id) => /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(id))).toBe(
    true,
  )
  expect(ids).toEqual([...ids].sort())
  expect(new Set(ids).size).toBe(ids.length)
})
