// Deputy as in production, in a process of its own: what `server/main.ts` does, with the benchmark's app.
import { setFlagsFromString } from 'node:v8'
import { readWholeEnv } from '../../server/env/environment.ts'
import { integrationEnv } from '../../server/integrations/connection.ts'
import { createLog } from '../../server/lifecycle/log.ts'
import { startServer } from '../../server/lifecycle/start.ts'
import { benchApp } from './bench-app.ts'

setFlagsFromString('--heap-growing-percent=100')
const { env, appEnv } = readWholeEnv(benchApp.env, integrationEnv(benchApp.integrations))
const log = createLog({ level: env.logLevel })
const server = await startServer({ env, app: benchApp, appEnv, log })
const stop = () => server.stop(1_000).then(() => process.exit())
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.on('disconnect', stop)
process.send?.({ url: server.url })
