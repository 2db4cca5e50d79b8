import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { nameOf, Timeline } from '../../server/invocation/timeline.ts'

describe('a statement is named', () => {
  it.each([
    ['select "a" from "events" where "record_id" = $1', 'select events'],
    ['update "events" set "title" = $1', 'update events'],
    ['insert into "attendees" ("a") values ($1)', 'insert attendees'],
    ['delete from deputy.queue where id = $1', 'delete deputy.queue'],
    ['\n    with _written as (\n update "events" set "a" = $1 returning 1) select 1', 'update events'],
    ['select count(*)::int from "deputy"."audit_log"', 'select deputy.audit_log'],
    ['savepoint a', 'statement'],
  ])('%j', (sql, name) => {
    expect(nameOf({ sql, params: ['secret'] })).toBe(name)
  })

  it('by what it is where it is the app’s own, which may hold values', () => {
    expect(
      nameOf({ sql: "select * from events where title = 'secret'", params: [], mayLeaveState: true }),
    ).toBe('sql')
  })

  it('within a bound, whatever its text', () => {
    expect(nameOf({ sql: `${'x '.repeat(100_000)}from "events"`, params: [] })).toBe('statement')
    expect(nameOf('n'.repeat(1_000)).length).toBe(100)
  })
})

describe('a timeline', () => {
  it('tells what goes on, and not the attempt that it is a part of', async () => {
    const timeline = new Timeline()
    const attempt = timeline.begin('attempt', '1')
    expect(timeline.current).toMatchObject([{ what: 'attempt', name: '1' }])
    const phase = timeline.begin('statement', 'select events')
    expect(timeline.current).toMatchObject([{ what: 'statement', name: 'select events' }])
    timeline.end(phase)
    timeline.end(attempt)
    expect(timeline.current).toEqual([])
  })

  it('is bounded, and keeps what has taken longest; the sums are of all', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const timeline = new Timeline()
    const long = timeline.begin('connection')
    vi.advanceTimersByTime(20)
    timeline.end(long)
    for (let nth = 0; nth < 1_000; nth += 1) timeline.end(timeline.begin('statement', `n${nth}`))
    const { spent, phases } = timeline.told
    expect(phases.length).toBe(30)
    expect(phases[0]).toMatchObject({ what: 'connection', at: 0 })
    expect(spent).toMatchObject({ connection: { count: 1 }, statement: { count: 1_000 } })
  })

  it('stays within its bound where nothing ends', () => {
    const timeline = new Timeline()
    for (let nth = 0; nth < 1_000; nth += 1) timeline.begin('step', `n${nth}`)
    expect(timeline.current.length).toBe(30)
  })

  it('ends a phase that fails', async () => {
    const timeline = new Timeline()
    const failing = timeline.during('claim', undefined, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(timeline.current).toEqual([])
    expect(timeline.told.spent).toMatchObject({ claim: { count: 1 } })
  })
})
