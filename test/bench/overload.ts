import { randomUUID } from 'node:crypto'
import { createDatabase } from './database.ts'
import type { Figure, FigureOptions } from './figures.ts'
import { startLoad } from './load.ts'
import type { LoadResult } from './load-job.ts'
import { prepareDeputySchema } from './schema.ts'
import { startDeputy } from './servers.ts'
import { memoryMb } from './usage.ts'
import { createEventRequests } from './works/requests.ts'

/** What a server answers most calls a second at. */
const CONNECTIONS = 64
const TIMES = 20
const PEAK_SECONDS = 5

/**
 * Sends a server twenty times as much as it can answer, each connection the next call as soon as it has an answer,
 * whatever the answer says; and then as much as it can.
 */
export async function measureOverload({
  adminUrl,
  tokens,
  overloadSeconds,
}: FigureOptions): Promise<readonly Figure[]> {
  await using database = await createDatabase(adminUrl, 'overload')
  await prepareDeputySchema(database.sql)
  await using server = await startDeputy({ database, tokens, providerUrl: 'http://127.0.0.1:9' })
  await using load = await startLoad()
  const send = (connections: number, seconds: number) =>
    load.run({
      urls: [server.url],
      connections,
      requests: 0,
      seconds,
      templates: createEventRequests(tokens, false),
      name: randomUUID(),
    })
  await send(CONNECTIONS, PEAK_SECONDS)
  const peak = await send(CONNECTIONS, PEAK_SECONDS)
  const over = await send(CONNECTIONS * TIMES, overloadSeconds)
  const { peak: memory } = await memoryMb(server.pid)
  const after = await send(CONNECTIONS, PEAK_SECONDS)
  const told = (result: LoadResult) =>
    Object.entries(result.statuses)
      .map(([status, calls]) => `${Math.round(calls / result.seconds)} × ${status}`)
      .join(', ')
  return [
    {
      name: 'overload',
      title: `createEvent answered at ${TIMES} times the load, ${overloadSeconds} s (a second: ${told(over)}; p99 ${Math.round(over.p99Ms)} ms)`,
      value: over.requestsPerSecond / peak.requestsPerSecond,
      unit: 'of the peak',
      atLeast: 0.8,
    },
    {
      name: 'recovery',
      title: `createEvent answered right after it (peak: ${Math.round(peak.requestsPerSecond)} a second)`,
      value: after.requestsPerSecond / peak.requestsPerSecond,
      unit: 'of the peak',
      atLeast: 0.8,
    },
    { name: 'overload-memory', title: 'The most memory held in it', value: memory, unit: 'MB', atMost: 512 },
  ]
}
