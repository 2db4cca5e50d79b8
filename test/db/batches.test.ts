import { expect, it } from 'vitest'
import { Batches } from '../../server/db/batches.ts'
import { AcquireTimeout } from '../../server/db/database.ts'
import { Semaphore } from '../../server/db/semaphore.ts'

/** Statements that are answered when a test says so. */
function startBatches(turns = new Semaphore(1)) {
  const sent: string[][] = []
  const alone: string[] = []
  const answers: { resolve(answers: (string | undefined)[]): void; reject(error: Error): void }[] = []
  const batches = new Batches<string, string>({
    turns,
    together: (orders) => {
      sent.push([...orders])
      return new Promise((resolve, reject) => answers.push({ resolve, reject }))
    },
    alone: async (order) => {
      alone.push(order)
      if (order.startsWith('bad')) throw new Error(`${order} is bad`)
      return `${order} alone`
    },
  })
  const statement = async (nth: number) => {
    await expect.poll(() => answers.length).toBeGreaterThan(nth)
    return answers[nth] ?? expect.unreachable()
  }
  return { batches, sent, alone, statement }
}

it('the first goes at once; those who come while it is under way go together, in their order', async () => {
  const { batches, sent, statement } = startBatches()
  const first = batches.fulfil('a')
  const others = ['b', 'c', 'd'].map((order) => batches.fulfil(order))
  expect(sent).toEqual([['a']])
  ;(await statement(0)).resolve(['A'])
  expect(await first).toBe('A')
  ;(await statement(1)).resolve(['B', 'C', 'D'])
  expect(await Promise.all(others)).toEqual(['B', 'C', 'D'])
  expect(sent).toEqual([['a'], ['b', 'c', 'd']])
})

it('one that gets no answer among others goes alone', async () => {
  const { batches, alone, statement } = startBatches()
  const first = batches.fulfil('a')
  const others = ['b', 'c', 'd'].map((order) => batches.fulfil(order))
  ;(await statement(0)).resolve(['A'])
  ;(await statement(1)).resolve(['B', undefined, 'D'])
  expect(await Promise.all([first, ...others])).toEqual(['A', 'B', 'c alone', 'D'])
  expect(alone).toEqual(['c'])
})

it('what fails for all is tried for each, so that none fails for what another one wanted', async () => {
  const { batches, statement } = startBatches()
  const first = batches.fulfil('a')
  const others = ['b', 'bad', 'd'].map((order) => batches.fulfil(order))
  ;(await statement(0)).resolve(['A'])
  ;(await statement(1)).reject(new Error('One of them is bad'))
  expect(await first).toBe('A')
  expect(await Promise.allSettled(others)).toMatchObject([
    { value: 'b alone' },
    { reason: { message: 'bad is bad' } },
    { value: 'd alone' },
  ])
})

it('without a connection all are told so, and none waits for another one', async () => {
  const { batches, alone, statement } = startBatches()
  const orders = [batches.fulfil('a')]
  ;(await statement(0)).reject(new AcquireTimeout('None became free'))
  await expect(orders[0]).rejects.toThrow(AcquireTimeout)
  expect(alone).toEqual([])
})

it('a statement that is not answered does not keep the others from being sent', async () => {
  const { batches, sent, statement } = startBatches()
  const stuck = batches.fulfil('stuck')
  const others = Array.from({ length: 130 }, (_, nth) => batches.fulfil(`${nth}`))
  await expect.poll(() => sent.map(({ length }) => length)).toEqual([1, 64, 64, 2])
  for (const nth of [3, 2, 1, 0]) (await statement(nth)).resolve(sent[nth] ?? [])
  expect(await Promise.all([stuck, ...others])).toEqual(['stuck', ...others.map((_, nth) => `${nth}`)])
})

it('who comes when a thousand wait is told so at once', async () => {
  const { batches, statement } = startBatches()
  const orders = Array.from({ length: 1_001 }, () => batches.fulfil('a'))
  await expect(batches.fulfil('one too many')).rejects.toThrow(AcquireTimeout)
  for (let nth = 0; nth <= 16; nth += 1) (await statement(nth)).resolve(Array(64).fill('A'))
  expect(new Set(await Promise.all(orders))).toEqual(new Set(['A']))
})

it('those who share turns never have two statements under way', async () => {
  const turns = new Semaphore(1)
  const [one, other] = [startBatches(turns), startBatches(turns)]
  const orders = [one.batches.fulfil('a'), other.batches.fulfil('b')]
  expect([one.sent, other.sent]).toEqual([[['a']], []])
  ;(await one.statement(0)).resolve(['A'])
  ;(await other.statement(0)).resolve(['B'])
  expect(await Promise.all(orders)).toEqual(['A', 'B'])
})

it('no statement is for more than 64', async () => {
  const { batches, sent, statement } = startBatches()
  const orders = Array.from({ length: 150 }, (_, nth) => batches.fulfil(`${nth}`))
  for (const nth of [0, 1, 2, 3]) {
    const { resolve } = await statement(nth)
    resolve((sent[nth] ?? []).map((order) => `${order} done`))
  }
  expect(await Promise.all(orders)).toEqual(orders.map((_, nth) => `${nth} done`))
  expect(sent.map(({ length }) => length)).toEqual([1, 64, 64, 21])
})
