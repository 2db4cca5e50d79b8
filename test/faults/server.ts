// Run by the fault tests as a process of its own: a server that kills itself where it is told to.
import { pino } from 'pino'
import { openPostgres } from '../../server/db/postgres.ts'
import { listen } from '../../server/lifecycle/listen.ts'
import { startSweeper } from '../../server/lifecycle/sweeper.ts'
import { startDispatcher } from '../../server/queue/dispatcher.ts'
import { startTicker } from '../../server/queue/schedule-ticker.ts'
import { dieWhenTold } from './death.ts'
import { createFaultApp } from './fault-app.ts'

const [, , databaseUrl = '', bankUrl = ''] = process.argv
const app = await createFaultApp({
  database: openPostgres({ url: databaseUrl, max: 8 }),
  bankUrl,
  log: pino({ level: 'error' }, pino.destination(2)),
  failpoint: dieWhenTold(),
})
// Not every test has something that beats.
if (process.env.BEATS !== undefined) await startTicker(app.engine)
startDispatcher({ ...app.engine, intervalMs: 100, leaseMs: 3_000 })
startSweeper({ ...app.engine, holdsIntervalMs: 300 })
const { url } = await listen({ http: app.http, host: '127.0.0.1', port: 0 })
process.send?.(url)
