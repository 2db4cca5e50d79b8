import { actionRegistry, ok } from 'deputyjs'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { startDispatcher } from '../../server/queue/dispatcher.ts'
import { action, internalAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

const CONNECTIONS = 4
const none = z.strictObject({})

it('jobs that hold their transactions leave connections to callers, and none of them fails for want of one', async () => {
  let isOver = false
  let open = 0
  let most = 0
  const holding = async () => {
    open += 1
    most = Math.max(most, open)
    while (!isOver) await new Promise((resolve) => setTimeout(resolve, 20))
    open -= 1
    return ok({})
  }
  const one = internalAction.input(none).mutation(async ({ ctx }) => {
    await ctx.tools.count('events')
    return holding()
  })
  const other = internalAction.input(none).mutation(async ({ ctx }) => {
    await ctx.tools.count('attendees')
    return holding()
  })
  const plan = action.input(none).mutation(async ({ ctx }) => {
    for (let n = 0; n < 8; n += 1) {
      await ctx.tools.later(one, {}, { attempts: 1 })
      await ctx.tools.later(other, {}, { attempts: 1 })
    }
    return ok({})
  })
  const read = action.input(none).query(({ ctx }) => ctx.tools.count('events'))
  await using app = await createTestApp({
    actions: actionRegistry({ one, other, plan, read }),
    pool: { max: CONNECTIONS, acquireTimeoutMs: 10_000 },
  })
  const ada = await app.as('ada')
  await ada.actions.plan({})
  const dispatcher = startDispatcher({ ...app.engine, intervalMs: 20 })
  await expect.poll(() => open).toBe(CONNECTIONS / 2)
  const answers = await Promise.all(Array.from({ length: 20 }, () => ada.actions.read({})))
  expect(answers.filter(({ success }) => !success)).toEqual([])
  isOver = true
  const states = async () =>
    (
      await app.database.query({
        sql: 'select state, count(*)::int from deputy.queue group by state',
        params: [],
      })
    ).rows
  await expect.poll(states).toEqual([['done', 16]])
  expect(most).toBe(CONNECTIONS / 2)
  await dispatcher.stop(5_000)
})
