// Run by the fault tests as a process of its own: a server that kills itself where it is told to.
import { pino } from 'pino'
import { findPooler, openAt } from '../../server/db/database-address.ts'
import { listen } from '../../server/lifecycle/listen.ts'
import { startSweeper } from '../../server/lifecycle/sweeper.ts'
import { ServerChanges } from '../../server/live/server-changes.ts'
import { startDispatcher } from '../../server/queue/dispatcher.ts'
import { startTicker } from '../../server/queue/schedule-ticker.ts'
import { dieWhenTold } from './death.ts'
import { createFaultApp } from './fault-app.ts'

const [, , databaseUrl = '', bankUrl = ''] = process.argv
const address = { url: databaseUrl }
const app = await createFaultApp({
  database: openAt(address, await findPooler(address), { max: 8 }),
  bankUrl,
  log: pino({ level: 'error' }, pino.destination(2)),
  failpoint: dieWhenTold(),
})
// Not every test has something that beats.
if (process.env.BEATS !== undefined) await startTicker(app.engine)
startDispatcher({ ...app.engine, intervalMs: 100, leaseMs: 3_000 })
startSweeper({ ...app.engine, holdsIntervalMs: 300 })
new ServerChanges({
  database: app.engine.database,
  changes: app.engine.changes,
  listenUrl: databaseUrl,
  onChange: (collections) => app.live.changed(collections),
  log: app.engine.log,
})
const { url } = await listen({ http: app.http, host: '127.0.0.1', port: 0 })
process.send?.({ url, document: app.openApi().text })
