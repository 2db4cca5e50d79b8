import { expect, it } from 'vitest'
import { Turns, TurnTimeout } from '../../server/invocation/turns.ts'

const SOON_MS = 20
const LONG_MS = 10_000

it('lets one holder at a time through, in the order in which they came', async () => {
  const turns = new Turns()
  const order: number[] = []
  const first = await turns.take(['a'], LONG_MS)
  const others = [1, 2, 3].map(async (n) => {
    const held = await turns.take(['a'], LONG_MS)
    order.push(n)
    expect(turns.isTaken('a')).toBe(true)
    held.release()
  })
  expect(order).toEqual([])
  first.release()
  await Promise.all(others)
  expect(order).toEqual([1, 2, 3])
  expect(turns.isTaken('a')).toBe(false)
})

it('ends no two holders in a circle, whatever order they name their keys in', async () => {
  const turns = new Turns()
  const take = async (keys: string[]) => {
    const held = await turns.take(keys, LONG_MS)
    await new Promise(setImmediate)
    held.release()
  }
  await Promise.all(
    Array.from({ length: 30 }, (_, n) => take(n % 2 === 0 ? ['a', 'b', 'c', 'a'] : ['c', 'b', 'a'])),
  )
  expect(['a', 'b', 'c'].filter((key) => turns.isTaken(key))).toEqual([])
})

it('gives everything back that was taken before a turn did not come', async () => {
  const turns = new Turns()
  const held = await turns.take(['b'], LONG_MS)
  await expect(turns.take(['a', 'b'], SOON_MS)).rejects.toBeInstanceOf(TurnTimeout)
  expect(turns.isTaken('a')).toBe(false)
  held.release()
  expect(turns.isTaken('b')).toBe(false)
})

it('passes over whoever has stopped waiting', async () => {
  const turns = new Turns()
  const first = await turns.take(['a'], LONG_MS)
  const impatient = turns.take(['a'], SOON_MS)
  const patient = turns.take(['a'], LONG_MS)
  await expect(impatient).rejects.toBeInstanceOf(TurnTimeout)
  first.release()
  const held = await patient
  held.release()
  expect(turns.isTaken('a')).toBe(false)
})

it('takes a release that is repeated for one', async () => {
  const turns = new Turns()
  const first = await turns.take(['a'], LONG_MS)
  const second = turns.take(['a'], LONG_MS)
  const third = turns.take(['a'], LONG_MS)
  first.release()
  first.release()
  await second
  expect(await Promise.race([third, new Promise((resolve) => setImmediate(resolve, 'waits'))])).toBe('waits')
})
