import { ok } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { execute } from '../support/execute.ts'
import { createProbe, type Probe } from './probe.ts'

let probe: Probe
beforeAll(async () => {
  probe = await createProbe()
  await execute(probe.app.database, probe.app.databaseUrl, 'create sequence statements')
})
afterAll(() => probe[Symbol.asyncDispose]())

const STATEMENTS = 60

it('statements are done in the order in which they were started, while the transaction is being opened too', async () => {
  const outcome = await probe.run(async ({ tools }) => {
    const started: Promise<unknown>[] = []
    for (let nth = 0; nth < STATEMENTS; nth += 1) {
      started.push(tools.sql((db) => db.execute(sql`select nextval('statements')::int as nth`)))
      // One for each step of the opening.
      await Promise.resolve()
    }
    return ok(await Promise.all(started))
  })
  const inOrder = Array.from({ length: STATEMENTS }, (_, at) => ok([{ nth: at + 1 }]))
  expect(outcome).toEqual(ok(inOrder))
})
