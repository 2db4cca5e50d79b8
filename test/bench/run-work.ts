import { randomUUID } from 'node:crypto'
import type { Load } from './load.ts'
import { measureRound, type Round } from './measure.ts'
import { median } from './median.ts'
import type { Upstream } from './upstream.ts'
import { type Lane, laneKey, type Work } from './work.ts'

export interface RunOptions {
  readonly load: Load
  readonly upstream: Upstream
  readonly rounds: number
  /** How long a round takes, about. */
  readonly seconds: number
  readonly signal: AbortSignal
  /** Says what happens. */
  tell(line: string): void
}

export interface LaneResult {
  readonly lane: string
  readonly rounds: readonly Round[]
  /** Of the rounds. */
  readonly median: {
    readonly callsPerSecond: number
    readonly p50Ms: number
    readonly p99Ms: number
    /** CPU time of a call, in ms: at the servers and in the database. */
    readonly serverCpuMs: number
    readonly databaseCpuMs: number
    /** The part of a core that the load took. */
    readonly loadCores: number
    readonly serverMb: number
  }
}

export interface RatioResult {
  readonly of: string
  readonly to: string
  readonly goal: number | undefined
  readonly value: number
}

export interface WorkResult {
  readonly lanes: readonly LaneResult[]
  readonly ratios: readonly RatioResult[]
  /** What was not as it must be: failed calls of Deputy, wrong effects. */
  readonly problems: readonly string[]
}

/** The fewest requests of a connection in a round. */
const MIN_SHARE = 5

/** Warms up, then measures the lanes in turns, so that whatever slows the machine slows all of them. */
export async function runWork(work: Work, options: RunOptions): Promise<WorkResult> {
  const problems = [...((await work.check?.()) ?? [])]
  const measure = async (lane: Lane, requests: number, phase: string) => {
    options.signal.throwIfAborted()
    const { load, upstream } = options
    const round = await measureRound(lane, { load, upstream, requests, name: randomUUID() })
    const title = `${laneKey(lane)}, ${phase}`
    options.tell(`  ${title}: ${Math.round(round.callsPerSecond)}/s${failures(round)}`)
    for (const wrong of round.wrong) problems.push(`${title}: ${wrong}`)
    if (lane.kind === 'deputy' && Object.keys(round.failed).length > 0)
      problems.push(`${title}: calls failed${failures(round)}`)
    return round
  }
  const plans = []
  for (const lane of work.lanes) {
    const requestsIn = (seconds: number, { callsPerSecond }: Round) =>
      Math.round(
        Math.max(lane.connections * MIN_SHARE, (callsPerSecond / (lane.callsPerRequest ?? 1)) * seconds),
      )
    const first = await measure(lane, lane.connections * MIN_SHARE, 'first requests')
    const warm = await measure(lane, requestsIn(options.seconds, first), 'warm-up')
    plans.push({ lane, requests: requestsIn(options.seconds, warm), rounds: [] as Round[] })
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    // Back and forth: nobody is always the one who comes after the same other one.
    for (const plan of round % 2 === 1 ? plans : plans.toReversed())
      plan.rounds.push(await measure(plan.lane, plan.requests, `round ${round}`))
  }
  const lanes = plans.map(({ lane, rounds }) => summarize(laneKey(lane), rounds))
  const rate = (key: string) => lanes.find(({ lane }) => lane === key)?.median.callsPerSecond ?? Number.NaN
  const ratios = work.ratios.map(({ of, to, goal }) => ({ of, to, goal, value: rate(of) / rate(to) }))
  return { lanes, ratios, problems }
}

function summarize(lane: string, rounds: readonly Round[]): LaneResult {
  const middle = (read: (round: Round) => number) => median(rounds.map(read))
  return {
    lane,
    rounds,
    median: {
      callsPerSecond: middle((round) => round.callsPerSecond),
      p50Ms: middle((round) => round.p50Ms),
      p99Ms: middle((round) => round.p99Ms),
      serverCpuMs: middle((round) => (round.serverCpuSeconds / round.calls) * 1_000),
      databaseCpuMs: middle((round) => (round.databaseCpuSeconds / round.calls) * 1_000),
      loadCores: middle((round) => round.loadCpuSeconds / round.seconds),
      serverMb: middle((round) => round.serverMb),
    },
  }
}

function failures({ failed }: Round): string {
  const all = Object.entries(failed).map(([status, count]) => `${count} × ${status}`)
  return all.length === 0 ? '' : `, failed: ${all.join(', ')}`
}
