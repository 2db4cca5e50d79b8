import { expect, it, vi } from 'vitest'
import { startTicker } from '../../server/queue/schedule-ticker.ts'
import { offsetTo, scheduleOf, serverOf } from '../queue/schedule-server.ts'
import { openTestDatabase } from '../support/database.ts'

// On the embedded database the clock of the database is that of the process.

const MINUTE = 60_000
const TICK = 'nightly:2026-06-02T03:00:00.000Z'

it.each([-10 * MINUTE, 10 * MINUTE])(
  'a server whose clock is %d ms ahead ticks when the database says so',
  async (aheadMs) => {
    await using opened = await openTestDatabase()
    const { database } = opened
    const rows = async (sql: string) => (await database.query({ sql, params: [] })).rows
    const offsetMs = await offsetTo(database, '2026-06-02T02:59:59Z')
    vi.useFakeTimers({ now: Date.now() + aheadMs, toFake: ['Date'] })
    try {
      const ticker = await startTicker(serverOf([scheduleOf()], { database, clockOffsetMs: () => offsetMs }))
      try {
        const ids = () => rows('select id from deputy.queue')
        expect(await ids()).toEqual([])
        await expect.poll(ids).toEqual([[TICK]])
      } finally {
        await ticker.stop()
      }
    } finally {
      vi.useRealTimers()
    }
    const late = `select extract(epoch from created_at - due_at) * 1000 + ${offsetMs} from deputy.queue`
    const lateMs = Number((await rows(late))[0]?.[0])
    expect(lateMs).toBeGreaterThanOrEqual(0)
    expect(lateMs).toBeLessThan(60_000)
  },
)
