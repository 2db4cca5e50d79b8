// Run by the fault tests as a process of its own: a server that kills itself where it is told to.
import { pino } from 'pino'
import { openPostgres } from '../../server/db/postgres.ts'
import type { FailpointName } from '../../server/engine.ts'
import { listen } from '../../server/listen.ts'
import { startDispatcher } from '../../server/outbox/dispatcher.ts'
import { startSweeper } from '../../server/sweeper.ts'
import { createFaultApp } from './fault-app.ts'

/** Where the server dies: the nth time that it comes to this point from now on. */
export interface Death {
  readonly point: FailpointName
  readonly nth: number
}

const [, , databaseUrl = '', bankUrl = ''] = process.argv
let death: Death | undefined
let hits = 0
process.on('message', (message: Death) => {
  death = message
  hits = 0
  process.send?.('armed')
})
process.on('disconnect', () => process.exit())

const app = await createFaultApp({
  database: openPostgres({ url: databaseUrl, max: 8 }),
  bankUrl,
  log: pino({ level: 'error' }, pino.destination(2)),
  failpoint: (point) => {
    if (point !== death?.point) return
    hits += 1
    if (hits === death.nth) process.kill(process.pid, 'SIGKILL')
  },
})
startDispatcher({ ...app.engine, intervalMs: 100, leaseMs: 3_000 })
startSweeper({ ...app.engine, holdsIntervalMs: 300 })
const { url } = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 0 })
process.send?.(url)
