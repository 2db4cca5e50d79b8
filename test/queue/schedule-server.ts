import { pino } from 'pino'
import type { Database } from '../../server/db/database.ts'
import { createSchedule, type Schedule } from '../../server/queue/schedule.ts'
import type { TickerOptions } from '../../server/queue/schedule-ticker.ts'
import { WakeSignal } from '../../server/queue/wake-signal.ts'

/** A schedule of every night at three, or what differs from it. */
export function scheduleOf(over: Partial<Omit<Schedule, 'definition'>> = {}): Schedule {
  return createSchedule({
    name: 'nightly',
    times: { cron: '0 3 * * *', timeZone: 'UTC' },
    action: 'recompute',
    input: '{"json":{}}',
    missed: 'once',
    overlap: 'skip',
    maxAttempts: 5,
    ...over,
  })
}

/** A server that declares these. */
export function serverOf(
  schedules: readonly Schedule[],
  options: Pick<TickerOptions, 'database' | 'clockOffsetMs'> & Partial<TickerOptions>,
): TickerOptions {
  return { schedules, queueSignal: new WakeSignal(), log: pino({ level: 'silent' }), ...options }
}

/** How much the database's clock is behind this instant. */
export async function offsetTo(database: Database, instant: string): Promise<number> {
  const sql = 'select floor(extract(epoch from now()) * 1000)::bigint'
  return Date.parse(instant) - Number((await database.query({ sql, params: [] })).rows[0]?.[0])
}
