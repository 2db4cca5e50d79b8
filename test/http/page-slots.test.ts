import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PageSlots } from '../../server/http/held-bytes.ts'

describe('page slots', () => {
  it('let no more in than there are, in order, and lose none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.record({ pages: fc.integer({ min: 1, max: 10 }), turns: fc.nat(5) }), { maxLength: 30 }),
        async (size, requests) => {
          const slots = new PageSlots(size)
          let taken = 0
          const order: number[] = []
          await Promise.all(
            requests.map(async ({ pages, turns }, position) => {
              const release = await slots.take(pages)
              order.push(position)
              taken += Math.min(pages, size)
              expect(taken).toBeLessThanOrEqual(size)
              for (let turn = 0; turn < turns; turn++) await Promise.resolve()
              taken -= Math.min(pages, size)
              release?.()
            }),
          )
          expect(order).toEqual(requests.map((_, position) => position))
          // All are free again: one request may take every slot at once.
          expect(await slots.take(size)).toBeTypeOf('function')
        },
      ),
    )
  })
})
