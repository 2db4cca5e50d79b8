import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Transaction } from '../../server/db/transaction.ts'
import { createProbe, eventData, type Probe } from '../invocation/probe.ts'

let probe: Probe
beforeAll(async () => {
  probe = await createProbe({ max: 2 })
})
afterAll(() => probe[Symbol.asyncDispose]())

const write = { sql: "update events set title = 'escaped'", params: [] }

it('a statement without a transaction cannot write', async () => {
  const eventId = await probe.newEvent('kept')
  await expect(probe.app.database.query(write)).rejects.toMatchObject({ name: 'SqlError', sqlstate: '25006' })
  const { session, release } = await probe.app.database.acquire()
  await expect(session.query(write)).rejects.toMatchObject({ sqlstate: '25006' })
  release()
  expect(await probe.event(eventId)).toMatchObject({ title: 'kept' })
})

it.each([
  ['default_transaction_read_only', 'on'],
  // A sequential scan would lock the whole table for SERIALIZABLE.
  ['enable_seqscan', 'off'],
])('every connection has %s %s', async (setting, value) => {
  const shown = await probe.app.database.query({ sql: `show ${setting}`, params: [] })
  expect(shown.rows).toEqual([[value]])
})

it('a transaction whose BEGIN failed refuses every statement and COMMIT with that failure', async () => {
  const eventId = await probe.newEvent('kept')
  // A timeout that is no number is refused by the database.
  const transaction = await Transaction.open(probe.app.database, {
    readOnly: false,
    statementTimeoutMs: Number.NaN,
  })
  const failure = await transaction.query(write).catch((error: unknown) => error)
  expect(failure).toMatchObject({ name: 'SqlError', sqlstate: '22023' })
  await expect(transaction.query(write)).rejects.toBe(failure)
  await expect(transaction.commit()).rejects.toBe(failure)
  await transaction.rollback()
  expect(await probe.event(eventId)).toMatchObject({ title: 'kept' })
})

it('a transaction that has ended refuses every statement', async () => {
  const eventId = await probe.newEvent('kept')
  const options = { readOnly: false, statementTimeoutMs: 1_000 }
  for (const end of ['commit', 'rollback'] as const) {
    const transaction = await Transaction.open(probe.app.database, options)
    await transaction.query({ sql: 'select 1', params: [] })
    await transaction[end]()
    await expect(transaction.query(write)).rejects.toThrow('has ended')
    await expect(transaction.commit()).rejects.toThrow('has ended')
    await transaction.rollback()
  }
  expect(await probe.event(eventId)).toMatchObject({ title: 'kept' })
})

it.each([
  'commit',
  'rollback',
  "select 1; commit; update events set title = 'escaped'",
  'set transaction read write',
  'set default_transaction_read_only = off',
])('tools.sql does not run %j, and nothing of its call is kept', async (text) => {
  const recordId = randomUUID()
  const call = probe.run(async (ctx) => {
    await ctx.tools.create('events', eventData(), recordId)
    await ctx.tools.sql((database) => database.execute(sql.raw(text)))
    return ok('went on')
  })
  await expect(call).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
  expect(await probe.event(recordId)).toBeUndefined()
})
