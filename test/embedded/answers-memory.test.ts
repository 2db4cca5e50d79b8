import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { openPglite } from '../../server/db/pglite.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const ANSWERS = 40
const CHARACTERS = 500_000

it('keeps nothing of the answers that it has given', async () => {
  const database = await openPglite()
  const read = async (times: number) => {
    for (let time = 0; time < times; time++)
      await database.query({ sql: `select repeat('語', ${CHARACTERS})`, params: [] })
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const before = await read(2)
  const after = await read(ANSWERS)
  await database.close()
  // One answer, of two bytes a character, may still be held by somebody.
  expect(after - before).toBeLessThan(ANSWERS * CHARACTERS)
})
