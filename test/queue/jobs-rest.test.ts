import { actionRegistry, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { sweepJobs } from '../../server/lifecycle/sweeper.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { action, internalAction } from '../fixture/deputy.ts'
import { get, post } from '../http/send.ts'
import { createTestApp } from '../support/test-app.ts'

// limits.md: jobs-kept

const outcome = z.strictObject({ ends: z.enum(['well', 'badly']) })
const work = internalAction
  .input(outcome)
  .mutation(async ({ input }) => (input.ends === 'well' ? ok({}) : fail('BAD_REQUEST', 'On purpose.')))
const plan = action.input(outcome).mutation(({ ctx, input }) => ctx.tools.later(work, input))
const actions = actionRegistry({ work, plan })

const open = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof open>>
let url: string
let token: string
beforeAll(async () => {
  app = await open()
  url = await app.listen()
  token = await app.token('owner')
})
afterAll(() => app[Symbol.asyncDispose]())

async function jobThatEnds(ends: 'well' | 'badly'): Promise<string> {
  const made = await (await app.as('ada')).actions.plan({ ends })
  if (!made.success) throw new Error(made.error)
  return made.data.jobId
}
const listed = async (query: string) => {
  const answer = await get(`${url}/api/jobs${query}`, { token })
  return {
    status: answer.status,
    ids: (answer.json.data as { jobs?: { id: string }[] } | undefined)?.jobs?.map(({ id }) => id),
  }
}

it('the owner lists, looks at, retries and cancels jobs over REST', async () => {
  const [done, failed] = [await jobThatEnds('well'), await jobThatEnds('badly')]
  await doAllDue(app.engine)
  const waiting = await jobThatEnds('well')
  expect(await listed('')).toEqual({ status: 200, ids: [waiting, failed, done] })
  expect(await listed('?state=failed')).toEqual({ status: 200, ids: [failed] })
  expect(await listed('?state=done&action=work')).toEqual({ status: 200, ids: [done] })
  expect(await listed('?state=waiting&limit=1')).toEqual({ status: 200, ids: [waiting] })
  expect(await listed('?schedule=nightly')).toEqual({ status: 200, ids: [] })
  expect((await listed('?state=old')).status).toBe(400)
  const one = await get(`${url}/api/jobs/${failed}`, { token })
  expect([one.status, one.json.data]).toMatchObject([
    200,
    { job: { id: failed, state: 'failed', lastError: 'BAD_REQUEST: On purpose.', input: { ends: 'badly' } } },
  ])
  expect((await get(`${url}/api/jobs/none`, { token })).status).toBe(404)
  expect((await get(`${url}/api/jobs/%E0%A4%A`, { token })).status).toBeGreaterThanOrEqual(400)
  expect((await get(`${url}/api/jobs/${failed}`, { token: await app.token('ada') })).status).toBe(403)
  const retried = await post(`${url}/api/jobs/retry`, { token, body: JSON.stringify({ id: failed }) })
  expect([retried.status, retried.json]).toEqual([200, { success: true, data: { id: failed } }])
  const canceled = await post(`${url}/api/jobs/cancel`, { token, body: JSON.stringify({ id: waiting }) })
  expect(canceled.status).toBe(200)
  expect(await listed('?state=waiting')).toEqual({ status: 200, ids: [failed] })
  await doAllDue(app.engine)
})

it('jobs that are done are kept for days, and those that were given up until the owner decides', async () => {
  await app.database.write({ sql: 'delete from deputy.queue', params: [] })
  const [old, failed] = [await jobThatEnds('well'), await jobThatEnds('badly')]
  await doAllDue(app.engine)
  await app.database.write({
    sql: "update deputy.queue set ended_at = now() - interval '7 days 1 hour'",
    params: [],
  })
  const fresh = await jobThatEnds('well')
  await doAllDue(app.engine)
  expect(await sweepJobs(app.database, 8)).toBe(0)
  expect(await sweepJobs(app.database, 7)).toBe(1)
  expect(await listed('')).toEqual({ status: 200, ids: [fresh, failed] })
  expect((await get(`${url}/api/jobs/${old}`, { token })).status).toBe(404)
})
