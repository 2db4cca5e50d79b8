// Deputy as in production, in a process of its own: what `server/main.ts` does, with the benchmark's app.
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { readWholeEnv } from '../../server/env/environment.ts'
import { integrationEnv } from '../../server/integrations/connection.ts'
import { createLog } from '../../server/lifecycle/log.ts'
import { startServer } from '../../server/lifecycle/start.ts'
import { benchComposition } from './bench-app.ts'

setFlagsFromString('--heap-growing-percent=100')
const { env, appEnv } = readWholeEnv(benchComposition.appEnv, integrationEnv(benchComposition.integrations))
const log = createLog({ level: env.logLevel })
const migrations = fileURLToPath(new URL('../../drizzle/migrations', import.meta.url))
const server = await startServer({ env, composition: benchComposition, migrations, appEnv, log })
const stop = () => server.stop(1_000).then(() => process.exit())
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.on('disconnect', stop)
process.send?.({ url: server.url })
