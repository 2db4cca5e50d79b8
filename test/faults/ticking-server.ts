// Run by the fault tests as a process of its own: a server with a schedule of every second.
import { pino } from 'pino'
import { openPostgres } from '../../server/db/postgres.ts'
import { startDispatcher } from '../../server/queue/dispatcher.ts'
import { createSchedule } from '../../server/queue/schedule.ts'
import { startTicker } from '../../server/queue/schedule-ticker.ts'
import { toStored } from '../../server/wire/serialize.ts'
import { createFaultApp } from './fault-app.ts'

const [, , databaseUrl = ''] = process.argv
const log = pino({ level: 'error' }, pino.destination(2))
const app = await createFaultApp({ database: openPostgres({ url: databaseUrl, max: 8 }), log })
const everySecond = createSchedule({
  name: 'tick',
  times: { every: { seconds: 1 } },
  action: 'place',
  input: toStored({ name: 'tick' }),
  missed: 'once',
  overlap: 'queue',
  maxAttempts: 100,
})
startDispatcher({ ...app.engine, intervalMs: 100, leaseMs: 3_000 })
await startTicker({ ...app.engine, schedules: [everySecond] })
process.send?.('ticks')
