import { actionRegistry, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CallRollup } from '../../server/rollup/call-rollup.ts'
import { bucketOf, DURATION_ENDS_MS, quantileMs } from '../../server/rollup/durations.ts'
import { ROLLUP_DAYS, sweepRollup } from '../../server/rollup/sweep.ts'
import { action } from '../fixture/deputy.ts'
import { get, post } from '../http/send.ts'
import { insertAudit } from '../support/audit-rows.ts'
import { createTestApp } from '../support/test-app.ts'

// limits.md: rollup
const actions = actionRegistry({
  good: action.input(z.strictObject({})).mutation(async () => ok(null)),
  bad: action.input(z.strictObject({})).mutation(async () => fail('CONFLICT', 'Not now.')),
})
const open = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof open>>
let url: string
beforeAll(async () => {
  app = await open()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const totalsOf = async (name: string, range = {}) => {
  const found = await (await app.as('owner')).calls.totals(range)
  return found.success ? found.data.actions.find(({ action: each }) => each === name) : undefined
}
/** A server's count of calls, an hour of a day each. */
const counting = (
  at: string,
  database: ConstructorParameters<typeof CallRollup>[0]['database'] = app.database,
) => {
  const rollup = new CallRollup({ database, clock: () => new Date(at), log: app.engine.log })
  rollup.know(['good', 'bad', 'other'])
  rollup.start()
  return rollup
}

describe('calls', () => {
  it('are counted by outcome from the start of a server on, and not before', async () => {
    const call = async (name: string, headers = {}) =>
      post(`${url}/api/actions/${name}`, { token: await app.token('owner'), headers })
    await call('good')
    expect(await totalsOf('good')).toBeUndefined()
    app.engine.rollup.start()
    for (const name of ['good', 'good', 'bad']) await call(name)
    await call('good', { 'deputy-dry-run': 'true' })
    await post(`${url}/api/actions/good`, { headers: { 'deputy-dry-run': 'true' } })
    await app.engine.rollup.stop()
    expect(await totalsOf('good')).toEqual({
      action: 'good',
      calls: 2,
      errors: 0,
      p50Ms: expect.any(Number),
      p95Ms: expect.any(Number),
      outcomes: [
        { outcome: 'OK', calls: 2 },
        { outcome: 'dry-run', calls: 1 },
      ],
    })
    expect(await totalsOf('bad')).toMatchObject({
      calls: 1,
      errors: 1,
      outcomes: [{ outcome: 'CONFLICT', calls: 1 }],
    })
  })

  it('of several servers add up, in one minute and over minutes', async () => {
    const [one, other] = [counting('2127-01-01T00:00:10Z'), counting('2127-01-01T00:00:59.999Z')]
    const later = counting('2127-01-01T00:01:00Z')
    for (const rollup of [one, other, one, later]) rollup.add('other', 'OK', 7)
    later.add('other', 'CONFLICT', 400)
    await Promise.all([one.stop(), other.stop(), later.stop()])
    one.start()
    one.add('other', 'OK', 7)
    await one.stop()
    const day = { from: new Date('2127-01-01'), to: new Date('2127-01-02') }
    expect(await totalsOf('other', day)).toMatchObject({ calls: 6, errors: 1, p50Ms: 8, p95Ms: 410 })
    const minute = { from: new Date('2127-01-01'), to: new Date('2127-01-01T00:01:00Z') }
    expect(await totalsOf('other', minute)).toMatchObject({ calls: 4, errors: 0 })
  })

  it('of what there is not are counted together', async () => {
    const rollup = counting('2127-02-01T00:00:00Z')
    for (const name of ['no such', 'route.orders', '__proto__']) rollup.add(name, 'OK', 1)
    await rollup.stop()
    const day = { from: new Date('2127-02-01'), to: new Date('2127-02-02') }
    expect(await totalsOf('unknown', day)).toMatchObject({ calls: 3 })
  })

  it('wait for a database that is away', async () => {
    let isAway = true
    const rollup = counting('2127-03-01T00:00:00Z', {
      write: (statement) => (isAway ? Promise.reject(new Error('away')) : app.database.write(statement)),
    })
    rollup.add('good', 'OK', 1)
    await rollup.write()
    rollup.add('good', 'OK', 1)
    isAway = false
    await rollup.stop()
    const day = { from: new Date('2127-03-01'), to: new Date('2127-03-02') }
    expect(await totalsOf('good', day)).toMatchObject({ calls: 2 })
  })

  it('are forgotten after a week, and none before', async () => {
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
    for (const days of [ROLLUP_DAYS - 1, ROLLUP_DAYS + 1]) {
      const rollup = counting(daysAgo(days))
      rollup.add('other', 'OK', 1)
      await rollup.stop()
    }
    const rows = async () => {
      const { rows: found } = await app.database.query({
        sql: "select 1 from deputy.call_minutes where action = 'other' and minute < now()",
        params: [],
      })
      return found.length
    }
    expect(await rows()).toBe(2)
    await sweepRollup(app.database)
    expect(await rows()).toBe(1)
  })
})

describe('who asks', () => {
  it.each([
    [undefined, 401],
    ['ada', 403],
    ['boss', 200],
    ['owner', 200],
  ])('%s is answered %i', async (user, status) => {
    await (await app.as('boss')).users.register()
    await (await app.as('owner')).users.setRole({ userId: 'boss', role: 'admin' })
    const token = user === undefined ? undefined : await app.token(user)
    for (const path of ['/api/calls', '/api/calls/written'])
      expect(await get(`${url}${path}`, { token })).toMatchObject({ status })
  })

  it.each([
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'must not be before from'],
    ['from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z', 'must be at most 7 days before to'],
    ['from=yesterday', 'from'],
    ['limit=1', 'limit'],
  ])('%s is refused', async (range, said) => {
    for (const path of ['/api/calls', '/api/calls/written'])
      expect(await get(`${url}${path}?${range}`, { token: await app.token('owner') })).toMatchObject({
        status: 400,
        text: expect.stringContaining(said),
      })
  })
})

it('what was written is told by action, collection and operation, of calls that were committed', async () => {
  const wrote = (op: string, collection: string, recordId: string) => ({ op, collection, recordId })
  const at = '2026-05-05T00:00:00.000Z'
  const [one, two] = [wrote('create', 'events', '1'), wrote('create', 'events', '2')]
  await insertAudit(app.database, app.databaseUrl, [
    { id: 'w1', at, action: 'book', writes: [one, two, wrote('update', 'users', '1')] },
    { id: 'w2', at, action: 'book', writes: [one] },
    { id: 'w3', at, action: 'book', outcome: 'CONFLICT', writes: [] },
    { id: 'w4', at, action: 'tidy', writes: [wrote('sql', '*', '*')] },
    { id: 'w5', at: '2026-05-06T00:00:00.000Z', action: 'later', writes: [one] },
  ])
  const range = { from: new Date('2026-05-05'), to: new Date('2026-05-06') }
  expect(await (await app.as('owner')).calls.written(range)).toEqual(
    ok({
      ...range,
      isComplete: true,
      writes: [
        { action: 'book', collection: 'events', operation: 'create', records: 3 },
        { action: 'book', collection: 'users', operation: 'update', records: 1 },
        { action: 'tidy', collection: '*', operation: 'sql', records: 1 },
      ],
    }),
  )
})

describe('a percentile', () => {
  const counts = (byEnd: Readonly<Record<number, number>>) => DURATION_ENDS_MS.map((end) => byEnd[end] ?? 0)

  it.each([
    [{}, 0.95, null],
    [{ 1: 1 }, 0.95, 1],
    [{ 10: 100 }, 0.95, 9.8],
    [{ 1: 94, 200: 6 }, 0.95, 116.7],
    [{ 120000: 2 }, 0.5, 75_000],
  ])('of %j at %d is %d', (byEnd, part, expected) => {
    const found = quantileMs(counts(byEnd), part)
    expect(found).toBe(expected)
  })

  it('has a bucket for every duration', () => {
    expect([0, 1, 1.01, 120_000, 10 ** 9].map(bucketOf)).toEqual([0, 0, 1, 14, 14])
  })
})
