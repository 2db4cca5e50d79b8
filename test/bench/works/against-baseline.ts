import type { Effects } from '../effects.ts'
import type { RequestTemplate } from '../load-job.ts'
import { type Bench, type Lane, laneKey, type Work } from '../work.ts'
import { differentAnswers } from './same-answers.ts'

export const CONNECTIONS = [1, 16, 64] as const

export interface Comparison {
  readonly goal: number
  /** What both are sent, or Deputy alone where the baseline is sent something else. */
  requests(): readonly RequestTemplate[]
  /** @default the same */
  baselineRequests?(): readonly RequestTemplate[]
  /** What each answered call leaves in either's database. @default nothing */
  readonly perCall?: Partial<Effects>
  /** What it leaves in Deputy's alone. @default nothing */
  readonly perDeputyCall?: Partial<Effects>
}

/** A work that both servers do, at 1, 16 and 64 connections. */
export function againstBaseline({ deputy, baseline }: Bench, comparison: Comparison): Work {
  const { goal, requests, baselineRequests = requests, perCall = {}, perDeputyCall = {} } = comparison
  const lanes = CONNECTIONS.flatMap((connections): Lane[] => [
    {
      name: 'deputy',
      kind: 'deputy',
      connections,
      servers: [deputy],
      perCall: { ...perCall, ...perDeputyCall },
      requests,
    },
    {
      name: 'baseline',
      kind: 'baseline',
      connections,
      servers: [baseline],
      perCall,
      requests: baselineRequests,
    },
  ])
  const ratios = CONNECTIONS.map((connections) => ({
    of: laneKey({ name: 'deputy', connections }),
    to: laneKey({ name: 'baseline', connections }),
    goal,
  }))
  // What is sent differently is answered differently.
  const check = async () => {
    const [template] = requests()
    return template && requests === baselineRequests ? differentAnswers(template, [deputy, baseline]) : []
  }
  return { lanes, ratios, check }
}
