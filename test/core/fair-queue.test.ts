import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FairQueue } from '../../server/core/fair-queue.ts'

const everyone = () => true

function filled(...items: readonly string[]): FairQueue<string> {
  const queue = new FairQueue<string>()
  for (const item of items) queue.push(item.slice(0, 1), item)
  return queue
}

function drain(queue: FairQueue<string>, mayGo: (holder: string) => boolean = everyone): string[] {
  const taken: string[] = []
  for (let item = queue.shift(mayGo); item !== undefined; item = queue.shift(mayGo)) taken.push(item)
  return taken
}

describe('a fair queue', () => {
  it('serves holders in turn, each in the order of their items', () => {
    expect(drain(filled('a1', 'a2', 'a3', 'b1', 'c1', 'c2'))).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3'])
  })

  it('passes over a holder who may not go, and who keeps their turn', () => {
    const queue = filled('a1', 'a2', 'b1', 'b2')
    expect(queue.shift((holder) => holder !== 'a')).toBe('b1')
    expect(drain(queue)).toEqual(['a1', 'b2', 'a2'])
  })

  it('takes the newest item of whoever has the most, if that is more than is said', () => {
    const queue = filled('a1', 'a2', 'a3', 'b1')
    expect(queue.popLongest(3)).toBeUndefined()
    expect(queue.popLongest(2)).toBe('a3')
    expect(queue.size).toBe(3)
  })

  it('counts, and forgets what is removed', () => {
    const queue = filled('a1', 'a2', 'b1')
    queue.remove('a', 'a1')
    queue.remove('a', 'a1')
    queue.remove('z', 'z1')
    expect([queue.size, queue.sizeOf('a'), queue.sizeOf('b'), queue.sizeOf('z')]).toEqual([2, 1, 1, 0])
    expect(drain(queue)).toEqual(['a2', 'b1'])
  })

  it('never lets a holder wait for more than one item of each other one', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 60 }), (holders) => {
        const counts = new Map<string, number>()
        const queue = new FairQueue<string>()
        for (const holder of holders) {
          counts.set(holder, (counts.get(holder) ?? 0) + 1)
          queue.push(holder, `${holder}${counts.get(holder)}`)
        }
        const served = new Map<string, number>()
        for (const item of drain(queue)) {
          const holder = item.slice(0, 1)
          const nth = (served.get(holder) ?? 0) + 1
          served.set(holder, nth)
          expect(item).toBe(`${holder}${nth}`)
          for (const [other, count] of counts)
            expect(served.get(other) ?? 0).toBeGreaterThanOrEqual(Math.min(count, nth - 1))
        }
        expect(served).toEqual(counts)
      }),
    )
  })
})
