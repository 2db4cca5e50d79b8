import type { Server } from '../servers.ts'
import { laneKey, type WorkDefinition } from '../work.ts'
import { CONNECTIONS } from './against-baseline.ts'
import { echoRequest } from './echo.ts'

const importing = (path: string) => ({ NODE_OPTIONS: `--import=${new URL(path, import.meta.url).href}` })

/** What is compared with: a server that has nothing to see by. */
const WITHOUT = importing('../../support/without-open-telemetry.mjs')
const VARIANTS = [
  { name: 'untraced', env: {}, goal: 0.95 },
  { name: 'metrics', env: { METRICS_PORT: '0', ...WITHOUT }, goal: 0.9 },
  { name: 'traced', env: importing('../with-open-telemetry.mjs') },
] as const

export const seeing: WorkDefinition = {
  name: 'seeing',
  title: 'echo over REST with OpenTelemetry off, with metrics, and with traces, against none of it',
  async open(bench) {
    const { database } = bench.deputy
    const plain = await bench.startDeputy(database, WITHOUT)
    const servers: Server[] = [plain]
    const named = [{ name: 'none', server: plain }]
    for (const { name, env } of VARIANTS) {
      const server = await bench.startDeputy(database, env)
      servers.push(server)
      named.push({ name, server })
    }
    return {
      lanes: CONNECTIONS.flatMap((connections) =>
        named.map(({ name, server }) => ({
          name,
          kind: 'deputy' as const,
          connections,
          servers: [server] as const,
          requests: () => [echoRequest(bench.tokens)],
        })),
      ),
      ratios: CONNECTIONS.flatMap((connections) =>
        VARIANTS.map((variant) => ({
          of: laneKey({ name: variant.name, connections }),
          to: laneKey({ name: 'none', connections }),
          ...('goal' in variant ? { goal: variant.goal } : {}),
        })),
      ),
      async close() {
        for (const server of servers) await server[Symbol.asyncDispose]()
      },
    }
  },
}
