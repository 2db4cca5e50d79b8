import { median } from './median.ts'
import type { Bench } from './work.ts'
import { CONNECTIONS } from './works/against-baseline.ts'
import { echoRequest } from './works/echo.ts'
import { measureWithWrk } from './wrk.ts'

export interface WrkLane {
  readonly lane: string
  readonly callsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failed: number
}

/** `echo` over REST and the plain route, in turns; undefined where wrk is not installed. */
export async function measureEchoByWrk(
  { deputy, baseline, tokens }: Bench,
  options: { readonly rounds: number; readonly seconds: number },
): Promise<readonly WrkLane[] | undefined> {
  const template = echoRequest(tokens)
  const lanes: WrkLane[] = []
  for (const connections of CONNECTIONS) {
    const names = { deputy, baseline }
    const results = { deputy: [], baseline: [] } as Record<keyof typeof names, Omit<WrkLane, 'lane'>[]>
    for (let round = 1; round <= options.rounds; round += 1)
      for (const name of ['deputy', 'baseline'] as const) {
        const { url } = names[name]
        const result = await measureWithWrk({ url, template, connections, seconds: options.seconds })
        if (!result) return undefined
        results[name].push(result)
      }
    for (const name of ['deputy', 'baseline'] as const) {
      const middle = (read: (lane: Omit<WrkLane, 'lane'>) => number) => median(results[name].map(read))
      lanes.push({
        lane: `${name} @${connections}`,
        callsPerSecond: middle((lane) => lane.callsPerSecond),
        p50Ms: middle((lane) => lane.p50Ms),
        p99Ms: middle((lane) => lane.p99Ms),
        failed: results[name].reduce((sum, lane) => sum + lane.failed, 0),
      })
    }
  }
  return lanes
}
