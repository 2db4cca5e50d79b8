import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bench, type BenchTools, dataOf, mint, openBench } from './workbench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const startsAt = new Date('2030-01-01T00:00:00Z')
const count = async (label: string) =>
  dataOf(await bench.run((tools) => tools.count('samples', { label }))).count

/** Tool calls that fail with an SQL error, after which Postgres has aborted the transaction. */
const POISONS: readonly [string, string, (tools: BenchTools) => Promise<unknown>][] = [
  [
    'a foreign key that leads nowhere',
    'CONFLICT',
    (tools) => tools.create('attendees', { eventId: 'nowhere', attendeeId: 'bob' }),
  ],
  [
    'a value that breaks a rule of the table',
    'BAD_REQUEST',
    (tools) => tools.create('events', { title: 't', startsAt, capacity: 0 }),
  ],
  ['a number that overflows', 'BAD_REQUEST', (tools) => tools.increment('samples', 'full', { score: 1 })],
  [
    'a unique value that is taken, on update',
    'CONFLICT',
    (tools) => tools.update('samples', 'full', { mail: 'taken@example.com' }),
  ],
]

describe('a failure that came from an SQL error', () => {
  beforeAll(async () => {
    const made = await bench.run(async (tools) => {
      dataOf(await tools.create('samples', { label: 'taken', mail: 'taken@example.com' }))
      return tools.create('samples', { label: 'full', score: 2 ** 31 - 1 }, 'full')
    })
    dataOf(made)
  })

  it.each(POISONS)(
    '%s: later tools answer the same, and nothing commits whatever the handler returns',
    async (_what, code, poison) => {
      const label = mint('label')
      const later: unknown[] = []
      const outcome = await bench.run(async (tools) => {
        dataOf(await tools.create('samples', { label }))
        const first = await poison(tools)
        later.push(
          first,
          await tools.create('samples', { label }),
          await tools.get('samples', 'full'),
          await tools.count('samples'),
          await tools.sql((db) => db.execute(sql`select 1`)),
          await tools.registerUser({ name: 'Eve' }),
        )
        return { success: true, data: 'all is well' }
      })
      expect(outcome).toMatchObject({ success: false, code })
      for (const answer of later) expect(answer).toEqual(outcome)
      expect(await count(label)).toBe(0)
    },
  )

  it('ends the call even when the handler throws afterwards', async () => {
    const outcome = await bench.run(async (tools) => {
      await tools.create('attendees', { eventId: 'nowhere', attendeeId: 'bob' })
      throw new Error('the handler gave up')
    })
    expect(outcome).toMatchObject({ success: false, code: 'CONFLICT' })
  })

  it('names the fields of a foreign key', async () => {
    const outcome = await bench.run((tools) =>
      tools.create('attendees', { eventId: 'no', attendeeId: 'bob' }),
    )
    expect(outcome.error).toContain('"eventId" of "attendees"')
  })

  it('inside tools.sql poisons too, though the function swallows it', async () => {
    const label = mint('label')
    const outcome = await bench.run(async (tools) => {
      dataOf(await tools.create('samples', { label }))
      return tools.sql(async (db) => {
        await db
          .execute(sql`insert into attendees (record_id, created_at, updated_at, event_id, attendee_id)
          values (${mint()}, now(), now(), 'nowhere', 'bob')`)
          .catch(() => {})
        return 'swallowed'
      })
    })
    expect(outcome).toMatchObject({ success: false, code: 'CONFLICT' })
    expect(await count(label)).toBe(0)
  })
})

it('an exception that the handler catches leaves the attempt usable', async () => {
  const label = mint('label')
  const outcome = await bench.run(async (tools) => {
    await tools.sql(() => Promise.reject(new Error('not of the database'))).catch(() => {})
    return tools.create('samples', { label })
  })
  expect(outcome).toMatchObject({ success: true })
  expect(await count(label)).toBe(1)
})

it('an exception of the handler rolls back and is shown as the fixed sentence only', async () => {
  const label = mint('label')
  const call = bench.run(async (tools) => {
    dataOf(await tools.create('samples', { label }))
    throw new Error('secret cause')
  })
  await expect(call).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
  await expect(call).rejects.not.toThrow('secret cause')
  expect(await count(label)).toBe(0)
  expect(JSON.stringify(bench.app.logged)).toContain('secret cause')
})
