import { fail } from 'deputyjs'
import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTransactionControl } from '../../server/tools/transaction-control.ts'
import { attendees, events } from '../fixture/collections.ts'
import { type Bench, dataOf, mint, openBench, samples } from './workbench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const startsAt = new Date('2030-01-01T00:00:00.123Z')
const count = async (label: string) =>
  dataOf(await bench.run((tools) => tools.count('samples', { label }))).count

describe('tools.sql', () => {
  it('selects, joins and aggregates in the transaction of the call', async () => {
    const eventId = mint('event')
    const found = await bench.run(async (tools) => {
      dataOf(await tools.create('events', { title: 'Launch', startsAt, capacity: 5 }, eventId))
      for (const attendeeId of ['bob', 'cyd'])
        dataOf(await tools.create('attendees', { eventId, attendeeId }))
      return tools.sql((db) =>
        db
          .select({ title: events.title, startsAt: events.startsAt, invited: sql<number>`count(*)::int` })
          .from(events)
          .innerJoin(attendees, eq(attendees.eventId, events.recordId))
          .where(eq(events.recordId, eventId))
          .groupBy(events.recordId, events.title, events.startsAt),
      )
    })
    expect(dataOf(found)).toEqual([{ title: 'Launch', startsAt, invited: 2 }])
  })

  it('gives rows by name to execute, and reads in a query', async () => {
    const rows = await bench.read((tools) =>
      tools.sql((db) => db.execute<{ one: number; two: string }>(sql`select 1 as one, ${'x'}::text as two`)),
    )
    expect(dataOf(rows)).toEqual([{ one: 1, two: 'x' }])
  })

  it('writes with the rest of the attempt, and rolls back with it', async () => {
    const [kept, lost] = [mint('label'), mint('label')]
    for (const label of [kept, lost]) {
      await bench.run(async (tools) => {
        const id = dataOf(await tools.create('samples', { label: 'draft' })).recordId
        const written = await tools.sql((db) =>
          db.update(samples).set({ label }).where(eq(samples.recordId, id)),
        )
        dataOf(written)
        return label === kept ? { success: true, data: null } : fail('CONFLICT', 'No.')
      })
    }
    expect([await count(kept), await count(lost)]).toEqual([1, 0])
  })

  it.each([
    'commit',
    'COMMIT',
    ' \n\tcommit',
    'commit;',
    '; commit',
    ';;rollback',
    '-- a comment\ncommit',
    '--a comment\rcommit',
    '/* a */ commit',
    '/* a /* nested */ comment */ commit',
    'end',
    'abort',
    'rollback to savepoint a',
    'begin',
    'start transaction',
    'savepoint a',
    'release a',
    "prepare transaction 'a'",
    'set transaction read write',
    'set local statement_timeout = 0',
    'reset all',
    'discard all',
    'deallocate all',
    'listen a',
    'unlisten *',
    'copy samples to stdout',
  ])('refuses %j, and what was written does not escape', async (text) => {
    const label = mint('label')
    await bench.run(async (tools) => {
      dataOf(await tools.create('samples', { label }))
      await expect(tools.sql((db) => db.execute(sql.raw(text)))).rejects.toThrow(
        'which it may not end or alter',
      )
      return fail('CONFLICT', 'No.')
    })
    expect(await count(label)).toBe(0)
  })

  it('takes statements that only look like control', () => {
    for (const text of ['select 1', "select 'commit'", 'settle', '/* commit */ select 1', '-- commit', ''])
      expect(isTransactionControl(text), text).toBe(false)
  })

  it('takes one statement at a time', async () => {
    const label = mint('label')
    const smuggled = bench.run(async (tools) => {
      dataOf(await tools.create('samples', { label }))
      return tools.sql((db) => db.execute(sql.raw('select 1; commit')))
    })
    await expect(smuggled).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
    expect(await count(label)).toBe(0)
  })

  it('poisons on an SQL error; neither the results nor the answer show SQL or values', async () => {
    const label = mint('label')
    const seen: unknown[] = []
    const call = bench.run(async (tools) => {
      dataOf(await tools.create('samples', { label }))
      seen.push(await tools.sql((db) => db.execute(sql`select ${'secret-value'} from no_such_table`)))
      seen.push(await tools.count('samples'))
      return { success: true, data: null }
    })
    const thrown: unknown = await call.catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
    expect(seen).toMatchObject([
      { success: false, code: 'INTERNAL_SERVER_ERROR' },
      { success: false, code: 'INTERNAL_SERVER_ERROR' },
    ])
    const shown = JSON.stringify([seen, String(thrown), bench.app.logged])
    expect(shown).not.toContain('secret-value')
    expect(shown).not.toContain('no_such_table')
    expect(await count(label)).toBe(0)
  })
})

describe('a query', () => {
  it.each([
    'insert into samples (record_id, created_at, updated_at, label, slug) values (gen_random_uuid()::text, now(), now(), $$q$$, $$$$)',
    'update samples set label = $$q$$',
    'delete from samples',
    'create table q (a int)',
    'with w as (delete from samples returning 1) select * from w',
  ])('cannot write: %s', async (text) => {
    const answer = await bench.read((tools) => tools.sql((db) => db.execute(sql.raw(text))))
    expect(answer).toMatchObject({ success: false, code: 'METHOD_NOT_SUPPORTED' })
    expect(await count('q')).toBe(0)
  })

  it('cannot make itself writable', async () => {
    const outcome = await bench
      .read(async (tools) => {
        await tools.count('samples')
        await tools.sql((db) => db.execute(sql`select set_config('transaction_read_only', 'off', false)`))
        return tools.sql((db) => db.execute(sql`delete from samples returning 1`))
      })
      .then(
        (result) => result.success,
        () => false,
      )
    expect(outcome).toBe(false)
  })

  it('has no tools that write', async () => {
    const names = await bench.read(async (tools) => ({ success: true, data: Object.keys(tools).sort() }))
    expect(dataOf(names)).toEqual(['count', 'get', 'query', 'sql'])
  })
})
