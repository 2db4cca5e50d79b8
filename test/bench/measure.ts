import { countEffects, wrongEffects } from './effects.ts'
import type { Load } from './load.ts'
import type { LoadResult } from './load-job.ts'
import type { Upstream } from './upstream.ts'
import { cpuSeconds, memoryMb } from './usage.ts'
import type { Lane } from './work.ts'

/** What one round of one lane came to. */
export interface Round {
  readonly callsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answered with 200. */
  readonly calls: number
  /** Status, or `lost` → how many calls. */
  readonly failed: Readonly<Record<string, number>>
  readonly seconds: number
  /** CPU seconds of the servers, of the database's processes for them, and of the load. */
  readonly serverCpuSeconds: number
  readonly databaseCpuSeconds: number
  readonly loadCpuSeconds: number
  /** What the servers held in memory at the end. */
  readonly serverMb: number
  /** What the calls left that they should not have, or have not left. */
  readonly wrong: readonly string[]
}

export interface RoundOptions {
  readonly load: Load
  readonly upstream: Upstream
  /** How many. */
  readonly requests: number
  /** Of the round, like no other. */
  readonly name: string
}

/** Sends requests to a lane's servers, and counts what they took and what they left. */
export async function measureRound(lane: Lane, options: RoundOptions): Promise<Round> {
  const { load, upstream, requests, name } = options
  const { database } = lane.servers[0]
  const pids = lane.servers.map(({ pid }) => pid)
  const templates = await lane.requests()
  const beside = await lane.during?.()
  try {
    const before = await countEffects(database, upstream, lane.kind)
    // Connections are opened by the first round and kept.
    const backends = await database.backends()
    const cpu = () => Promise.all([cpuSeconds(pids), cpuSeconds(backends), cpuSeconds([load.pid])])
    const used = await cpu()
    const urls = lane.servers.map(({ url }) => url)
    const result = await load.run({ urls, connections: lane.connections, requests, templates, name })
    const [server, inDatabase, ofLoad] = (await cpu()).map((seconds, n) => seconds - (used[n] ?? 0))
    const after = await countEffects(database, upstream, lane.kind)
    const perRequest = lane.callsPerRequest ?? 1
    const calls = (result.statuses[200] ?? 0) * perRequest
    const memory = await Promise.all(pids.map(memoryMb))
    return {
      callsPerSecond: result.requestsPerSecond * perRequest,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      calls,
      failed: failedCalls(result, perRequest),
      seconds: result.seconds,
      serverCpuSeconds: server ?? Number.NaN,
      databaseCpuSeconds: inDatabase ?? Number.NaN,
      loadCpuSeconds: ofLoad ?? Number.NaN,
      serverMb: memory.reduce((sum, { now }) => sum + now, 0),
      wrong: wrongEffects(before, after, lane.perCall ?? {}, calls),
    }
  } finally {
    await beside?.[Symbol.asyncDispose]()
  }
}

function failedCalls({ statuses, lost }: LoadResult, perRequest: number): Record<string, number> {
  const failed = Object.entries(statuses).filter(([status]) => status !== '200')
  if (lost > 0) failed.push(['lost', lost])
  return Object.fromEntries(failed.map(([status, count]) => [status, count * perRequest]))
}
