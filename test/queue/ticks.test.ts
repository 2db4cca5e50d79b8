import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { pauseSchedule, resumeSchedule } from '../../server/queue/change-schedule.ts'
import type { Schedule } from '../../server/queue/schedule.ts'
import { syncSchedules } from '../../server/queue/schedule-rows.ts'
import { startTicker, type TickerOptions, tickDue } from '../../server/queue/schedule-ticker.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { offsetTo, scheduleOf as schedule, serverOf } from './schedule-server.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE

let opened: TestDatabase
let database: Database
/** The time of all servers, which stands. */
let nowMs = 0
beforeAll(async () => {
  opened = await openTestDatabase()
  database = standing(opened.database)
})
afterAll(() => opened[Symbol.asyncDispose]())
beforeEach(async () => {
  await change('delete from deputy.schedules')
  await change('delete from deputy.queue')
  setNow('2026-06-01T12:00:30Z')
})

const change = async (sql: string) => void (await database.write({ sql, params: [] }))
const rows = async (sql: string) => (await database.query({ sql, params: [] })).rows
const iso = (value: unknown) => new Date(String(value)).toISOString()

/** Makes it this time, and no later. */
function setNow(instant: string): void {
  nowMs = Date.parse(instant)
}
const advance = (ms: number) => {
  nowMs += ms
}

const server = (schedules: readonly Schedule[], over: Partial<TickerOptions> = {}) =>
  serverOf(schedules, { database, clockOffsetMs: () => 0, ...over })
async function started(...schedules: readonly Schedule[]): Promise<TickerOptions> {
  const options = server(schedules)
  await syncSchedules(options)
  return options
}

const jobIds = async () =>
  (await rows("select id from deputy.queue where kind = 'job' order by id")).map(([id]) => String(id))
async function stored(name = 'nightly') {
  const sql = `select definition, next_at, is_paused, last_at, last_outcome, last_job from deputy.schedules where name = '${name}'`
  const [row] = await rows(sql)
  if (!row) throw new Error(`There is no ${name}`)
  const [definition, nextAt, isPaused, lastAt, lastOutcome, lastJob] = row
  return {
    definition,
    next: nextAt === null ? null : iso(nextAt),
    isPaused,
    last: lastAt === null ? null : iso(lastAt),
    lastOutcome,
    lastJob,
  }
}
const finishJobs = () => change("update deputy.queue set state = 'done', ended_at = now()")

/** A server that has looked at the schedules, and has not written yet what it has found due. */
async function lookedOnly(one: Schedule) {
  let letGo = () => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let isHeld = false
  const write: Database['write'] = async (statement) => {
    isHeld = true
    await held
    return database.write(statement)
  }
  const look = tickDue(server([one], { database: { ...holding(database), write } }))
  await expect.poll(() => isHeld).toBe(true)
  return {
    letWrite() {
      letGo()
      return look
    },
  }
}

describe('a tick', () => {
  it('queues one job, and moves its schedule on', async () => {
    const options = await started(schedule({ maxAttempts: 3, input: '{"json":{"a":1}}' }))
    expect(await tickDue(options)).toMatchObject({ ticked: [] })
    expect(await stored()).toMatchObject({ next: '2026-06-02T03:00:00.000Z', last: null })
    setNow('2026-06-02T03:00:00.010Z')
    const woken = vi.fn()
    options.queueSignal.onWake(woken)
    const jobId = 'nightly:2026-06-02T03:00:00.000Z'
    expect(await tickDue(options)).toMatchObject({
      ticked: [{ name: 'nightly', outcome: 'queued', jobIds: [jobId] }],
    })
    expect(woken).toHaveBeenCalledOnce()
    const job =
      await rows(`select id, kind, lane, state, data, run_as, source, caller, action, invocation, key, series,
      attempts, max_attempts, token from deputy.queue`)
    expect(job).toEqual([
      [
        jobId,
        'job',
        'job:recompute',
        'queued',
        '{"json":{"a":1}}',
        'owner',
        'schedule',
        null,
        'nightly',
        jobId,
        null,
        'nightly',
        0,
        3,
        null,
      ],
    ])
    expect(iso((await rows('select due_at from deputy.queue'))[0]?.[0])).toBe('2026-06-02T03:00:00.000Z')
    expect(await stored()).toMatchObject({
      next: '2026-06-03T03:00:00.000Z',
      last: '2026-06-02T03:00:00.000Z',
      lastOutcome: 'queued',
      lastJob: jobId,
    })
    expect(await tickDue(options)).toMatchObject({ ticked: [] })
  })

  it('of many servers that look at once is made by one', async () => {
    const all = [schedule(), schedule({ name: 'poll', times: { every: { hours: 1 } }, overlap: 'queue' })]
    const options = await started(...all)
    setNow('2026-06-02T03:00:30Z')
    const looks = await Promise.all(Array.from({ length: 8 }, () => tickDue(options)))
    const ticked = looks.flatMap((look) => look.ticked)
    expect(ticked.map(({ name }) => name).sort()).toEqual(['nightly', 'poll'])
    expect(await jobIds()).toEqual(['nightly:2026-06-02T03:00:00.000Z', 'poll:2026-06-02T03:00:00.000Z'])
  })

  it('of every second is made once and in time by three servers, of which one ends now and then', async () => {
    const every = schedule({ name: 'poll', times: { every: { seconds: 1 } }, overlap: 'queue' })
    const { url } = opened
    const pools = url === undefined ? [] : [1, 2].map(() => openPostgres({ url, max: 2 }))
    const databases = [opened.database, ...pools]
    while (databases.length < 3) databases.push(opened.database)
    const servers = databases.map((each) => server([every], { database: each }))
    let tickers = await Promise.all(servers.map(startTicker))
    try {
      for (const [nth, options] of [...servers, ...servers].entries()) {
        const before = (await jobIds()).length
        await expect.poll(async () => (await jobIds()).length).toBeGreaterThan(before)
        const [ended] = tickers.splice(nth % 3, 1)
        await ended?.stop()
        tickers.push(await startTicker(options))
      }
    } finally {
      await Promise.all(tickers.map((ticker) => ticker.stop()))
      tickers = []
      await Promise.all(pools.map((pool) => pool.close()))
    }
    const times = (await jobIds()).map((id) => Date.parse(id.replace('poll:', '')))
    expect(times.length).toBeGreaterThanOrEqual(6)
    expect(times).toEqual(times.map((_, nth) => (times[0] ?? 0) + nth * SECOND))
    const late = await rows(
      'select max(extract(epoch from created_at - due_at)), min(extract(epoch from created_at - due_at)) from deputy.queue',
    )
    expect(Number(late[0]?.[1])).toBeGreaterThanOrEqual(0)
    expect(Number(late[0]?.[0])).toBeLessThan(60)
  })

  it('whose server ends between its look and its write is made by another, once', async () => {
    const one = schedule()
    const options = await started(one)
    setNow('2026-06-02T03:00:10Z')
    const slow = await lookedOnly(one)
    expect((await tickDue(options)).ticked).toHaveLength(1)
    expect((await slow.letWrite()).ticked).toEqual([])
    expect(await jobIds()).toEqual(['nightly:2026-06-02T03:00:00.000Z'])
  })

  it('that a server is about to write is let go when its schedule has moved on without a job', async () => {
    const one = schedule({ missed: 'skip' })
    const options = await started(one)
    setNow('2026-06-02T03:00:10Z')
    const slow = await lookedOnly(one)
    advance(2 * DAY)
    expect((await tickDue(options)).ticked).toMatchObject([{ outcome: 'missed' }])
    expect((await slow.letWrite()).ticked).toEqual([])
    expect(await jobIds()).toEqual([])
    expect(await stored()).toMatchObject({ next: '2026-06-05T03:00:00.000Z' })
  })
})

describe('ticks that are late', () => {
  it('by up to a minute are a job each', async () => {
    const options = await started(schedule({ name: 'poll', times: { every: { seconds: 10 } } }))
    setNow('2026-06-01T12:01:25Z')
    expect((await tickDue(options)).ticked[0]?.jobIds).toEqual(
      ['00:40', '00:50', '01:00', '01:10', '01:20'].map((time) => `poll:2026-06-01T12:${time}.000Z`),
    )
    expect(await stored('poll')).toMatchObject({
      next: '2026-06-01T12:01:30.000Z',
      last: '2026-06-01T12:01:20.000Z',
      lastJob: 'poll:2026-06-01T12:01:20.000Z',
    })
  })

  it.each([
    ['once', 'queued'],
    ['skip', 'missed'],
  ] as const)('by three days are what missed says: %s', async (missed, outcome) => {
    const times = {
      poll: { every: { minutes: 5 } },
      nightly: { cron: '0 3 * * *' },
      tick: { every: { seconds: 1 } },
    }
    const options = await started(
      ...Object.entries(times).map(([name, at]) => schedule({ name, times: at, missed, overlap: 'queue' })),
    )
    advance(3 * DAY)
    const { ticked } = await tickDue(options)
    expect(ticked.map((tick) => tick.outcome)).toEqual([outcome, outcome, outcome])
    const ids = await jobIds()
    if (missed === 'once') {
      expect(ids).toHaveLength(3)
      expect(ids.slice(0, 2)).toEqual(['nightly:2026-06-04T03:00:00.000Z', 'poll:2026-06-04T12:00:00.000Z'])
    } else expect(ids).toEqual([])
    expect(await stored('poll')).toMatchObject({
      last: '2026-06-04T12:00:00.000Z',
      next: '2026-06-04T12:05:00.000Z',
      lastOutcome: outcome,
    })
    expect((await tickDue(options)).ticked.filter(({ name }) => name !== 'tick')).toEqual([])
    setNow('2026-06-04T12:05:01Z')
    await tickDue(options)
    expect(await jobIds()).toContain('poll:2026-06-04T12:05:00.000Z')
  })
})

describe('a tick while the job before is not done', () => {
  it('makes no job by default, and one when it is done', async () => {
    const options = await started(schedule())
    setNow('2026-06-02T03:00:01Z')
    await tickDue(options)
    setNow('2026-06-03T03:00:01Z')
    expect((await tickDue(options)).ticked).toMatchObject([{ outcome: 'skipped', jobIds: [] }])
    expect(await stored()).toMatchObject({
      last: '2026-06-03T03:00:00.000Z',
      next: '2026-06-04T03:00:00.000Z',
      lastOutcome: 'skipped',
      lastJob: 'nightly:2026-06-02T03:00:00.000Z',
    })
    await finishJobs()
    setNow('2026-06-04T03:00:01Z')
    expect((await tickDue(options)).ticked).toMatchObject([{ outcome: 'queued' }])
    expect(await jobIds()).toEqual([2, 4].map((day) => `nightly:2026-06-0${day}T03:00:00.000Z`))
  })

  it('makes one that waits where it says so', async () => {
    const options = await started(schedule({ overlap: 'queue' }))
    for (const day of [2, 3]) {
      setNow(`2026-06-0${day}T03:00:01Z`)
      await tickDue(options)
    }
    expect(await jobIds()).toEqual([2, 3].map((day) => `nightly:2026-06-0${day}T03:00:00.000Z`))
  })
})

describe('a paused schedule', () => {
  it('queues nothing, and is counted from now when it is resumed', async () => {
    const options = await started(schedule())
    expect(await pauseSchedule(options, { name: 'nightly', changedBy: 'owner' })).toMatchObject({
      success: true,
    })
    advance(2 * DAY)
    expect((await tickDue(options)).ticked).toEqual([])
    await syncSchedules(options)
    expect(await stored()).toMatchObject({ isPaused: true, last: null, lastOutcome: null })
    expect(await resumeSchedule(options, { name: 'nightly', changedBy: 'owner' })).toEqual({
      success: true,
      data: { name: 'nightly', next: new Date('2026-06-04T03:00:00.000Z') },
    })
    expect((await tickDue(options)).ticked).toEqual([])
    expect(await stored()).toMatchObject({
      next: '2026-06-04T03:00:00.000Z',
      isPaused: false,
      lastOutcome: null,
    })
    setNow('2026-06-04T03:00:01Z')
    expect((await tickDue(options)).ticked).toHaveLength(1)
  })

  it('does not tick where it is paused after a server has looked', async () => {
    const one = schedule()
    const options = await started(one)
    setNow('2026-06-02T03:00:10Z')
    const query: Database['query'] = async (statement) => {
      const found = await database.query(statement)
      await pauseSchedule(options, { name: 'nightly', changedBy: 'owner' })
      return found
    }
    const looked = await tickDue(server([one], { database: { ...holding(database), query } }))
    expect(looked.ticked).toEqual([])
    expect(await jobIds()).toEqual([])
  })

  it('stays paused when it is changed, and when it goes and comes back', async () => {
    const options = await started(schedule())
    await pauseSchedule(options, { name: 'nightly', changedBy: 'owner' })
    await started(schedule({ times: { every: { minutes: 1 } } }))
    await started()
    const last = await started(schedule())
    advance(DAY)
    expect((await tickDue(last)).ticked).toEqual([])
    expect(await stored()).toMatchObject({ isPaused: true })
  })
})

describe('a start', () => {
  it('leaves what it declares as it was declared', async () => {
    await started(schedule())
    await change("update deputy.schedules set next_at = '2026-06-01T00:00:00Z'")
    await started(schedule())
    expect(await stored()).toMatchObject({ next: '2026-06-01T00:00:00.000Z' })
  })

  it.each([
    [{ times: { cron: '0 4 * * *' } }, '2026-06-02T04:00:00.000Z'],
    [{ input: '{"json":{"b":2}}' }, '2026-06-02T03:00:00.000Z'],
    [{ action: 'another' }, '2026-06-02T03:00:00.000Z'],
  ])('counts what it has changed from now: %j', async (over, next) => {
    await started(schedule())
    await change("update deputy.schedules set next_at = '2026-06-01T00:00:00Z'")
    await started(schedule(over))
    expect(await stored()).toMatchObject({ next, definition: schedule(over).definition })
  })

  it('ends what it declares no more', async () => {
    await started(schedule(), schedule({ name: 'poll' }))
    const options = await started(schedule({ name: 'poll' }))
    expect(await stored()).toMatchObject({ definition: '', next: null })
    advance(DAY)
    expect((await tickDue(options)).ticked.map(({ name }) => name)).toEqual(['poll'])
  })
})

describe('two versions side by side', () => {
  const old = schedule({ times: { every: { minutes: 1 } }, overlap: 'queue' })
  const young = schedule({ times: { every: { seconds: 20 } }, overlap: 'queue' })
  const outcomes = async (options: TickerOptions, seenAt?: number) => (await tickDue(options, seenAt)).ticked

  it('the one that was started last ticks, and the other does not', async () => {
    const oldServer = await started(old)
    const youngServer = await started(young)
    for (const time of ['12:01:01', '12:01:41', '12:02:21']) {
      setNow(`2026-06-01T${time}Z`)
      expect(await outcomes(oldServer)).toEqual([])
      expect(await outcomes(youngServer)).toHaveLength(1)
    }
    expect((await stored()).definition).toBe(young.definition)
    expect(await jobIds()).toHaveLength(6)
  })

  it('the living one takes over from one that had been started again and is gone, and makes up for what was due', async () => {
    const youngServer = await started(young)
    const oldServer = await started(old)
    setNow('2026-06-01T12:01:00.500Z')
    expect(await outcomes(oldServer)).toHaveLength(1)
    setNow('2026-06-01T12:01:45Z')
    expect(await outcomes(youngServer)).toEqual([])
    expect((await stored()).definition).toBe(old.definition)
    setNow('2026-06-01T12:01:46.500Z')
    expect(await outcomes(youngServer)).toEqual([])
    expect((await stored()).definition).toBe(young.definition)
    expect(await outcomes(youngServer)).toMatchObject([{ outcome: 'queued' }])
    const times = ['01:00', '01:20', '01:40']
    expect(await jobIds()).toEqual(times.map((time) => `nightly:2026-06-01T12:${time}.000Z`))
  })

  it('what the last one has removed is not brought back by the other while the last one is there', async () => {
    const oldServer = await started(old)
    const youngServer = await started()
    let seenAt: number | undefined
    for (let minute = 1; minute <= 4; minute += 1) {
      setNow(`2026-06-01T12:0${minute}:00Z`)
      await change(`update deputy.schedules set seen_at = '2026-06-01T12:0${minute - 1}:30Z'`)
      ;({ seenAt } = await tickDue(youngServer, seenAt))
      expect(await outcomes(oldServer)).toEqual([])
    }
    expect(await stored()).toMatchObject({ definition: '', next: null })
    advance(MINUTE)
    await outcomes(oldServer)
    expect((await stored()).definition).toBe(old.definition)
  })

  it('a server says that it is there every ten seconds', async () => {
    const options = await started(old)
    const seen = async () => iso((await rows('select seen_at from deputy.schedules'))[0]?.[0])
    const { seenAt } = await tickDue(options)
    const first = await seen()
    expect(Date.parse(first)).toBe(seenAt)
    advance(9 * SECOND)
    await tickDue(options, seenAt)
    expect(await seen()).toBe(first)
    advance(SECOND)
    await tickDue(options, seenAt)
    expect(Date.parse(await seen())).toBeGreaterThan(Date.parse(first) + 9 * SECOND)
  })
})

describe('a ticker', () => {
  it('looks at nothing where there is no schedule', async () => {
    const query = vi.fn(database.query.bind(database))
    const ticker = await startTicker(server([], { database: { ...holding(database), query } }))
    expect(query).toHaveBeenCalledOnce()
    await ticker.stop()
    expect(await rows('select count(*)::int from deputy.schedules')).toEqual([[0]])
  })

  it('looks again after a look that failed', async () => {
    const offsetMs = await offsetTo(opened.database, '2026-06-02T02:59:59.500Z')
    let failures = 0
    const query: Database['query'] = (statement) => {
      failures += 1
      return failures === 2 ? Promise.reject(new Error('broken')) : opened.database.query(statement)
    }
    const ticker = await startTicker(
      server([schedule()], {
        database: { ...holding(opened.database), query },
        clockOffsetMs: () => offsetMs,
      }),
    )
    await expect.poll(jobIds).toEqual(['nightly:2026-06-02T03:00:00.000Z'])
    await ticker.stop()
  })
})

/** The same database, where it is the time of the servers. */
function standing(real: Database): Database {
  const now = () => `timestamptz '${new Date(nowMs).toISOString()}'`
  return {
    ...holding(real),
    query: ({ sql, params }) => real.query({ sql: sql.replaceAll('now()', now), params }),
  }
}

/** The same database, of which a test replaces a part. */
function holding(real: Database): Database {
  return {
    kind: real.kind,
    location: real.location,
    connections: real.connections,
    load: real.load,
    turnWaiters: real.turnWaiters,
    jobTransactions: real.jobTransactions,
    acquire: () => real.acquire(),
    query: (statement) => real.query(statement),
    write: (statement) => real.write(statement),
    ping: (timeoutMs) => real.ping(timeoutMs),
    close: () => real.close(),
  }
}
