import type { WrkLane } from './echo-by-wrk.ts'
import type { Figure } from './figures.ts'
import type { FloorResult } from './floor.ts'
import type { Machine } from './machine.ts'
import type { LaneResult, RatioResult, WorkResult } from './run-work.ts'
import { formatNumber, formatTable } from './table.ts'

export interface Report {
  readonly machine: Machine
  readonly works: readonly (WorkResult & { readonly name: string; readonly title: string })[]
  readonly wrk: readonly WrkLane[] | undefined
  readonly floor: readonly FloorResult[] | undefined
  readonly figures: readonly Figure[]
}

const COLUMNS = [
  '',
  'calls/s',
  'p50 ms',
  'p99 ms',
  'CPU ms/call',
  'in database',
  'load cores',
  'MB',
  'failed',
]

/** All that was measured, for people to read. */
export function formatReport({ machine, works, wrk, floor, figures }: Report): string {
  const { date, commit, cpu, cores, memoryGb, node, postgresql } = machine
  const parts = [
    `${date}, commit ${commit}, ${cpu}, ${cores} cores, ${memoryGb} GB, Node ${node}, PostgreSQL ${postgresql}`,
    ...works.map(
      ({ title, lanes, ratios, problems }) =>
        `${title}\n${formatTable([COLUMNS, ...lanes.map(laneRow)])}\n${[...ratios.map(ratioLine), ...problems.map((problem) => `WRONG: ${problem}`)].join('\n')}`,
    ),
  ]
  if (wrk) {
    const rows = wrk.map(({ lane, callsPerSecond, p50Ms, p99Ms, failed }) => [
      lane,
      ...[callsPerSecond, p50Ms, p99Ms].map(formatNumber),
      String(failed),
    ])
    parts.push(
      `echo over REST, by wrk\n${formatTable([['', 'calls/s', 'p50 ms', 'p99 ms', 'failed'], ...rows])}`,
    )
  }
  if (floor) {
    const rows = floor.map(({ work, connections, callsPerSecond }) => [
      `${work} @${connections}`,
      formatNumber(callsPerSecond),
    ])
    parts.push(`The same SQL by pgbench\n${formatTable([['', 'calls/s'], ...rows])}`)
  }
  if (figures.length > 0) parts.push(formatTable(figures.map(figureRow)))
  return `${parts.join('\n\n')}\n`
}

function laneRow({ lane, rounds, median }: LaneResult): string[] {
  const failed = rounds.reduce(
    (sum, round) => sum + Object.values(round.failed).reduce((count, each) => count + each, 0),
    0,
  )
  const { callsPerSecond, p50Ms, p99Ms, serverCpuMs, databaseCpuMs, loadCores, serverMb } = median
  const numbers = [callsPerSecond, p50Ms, p99Ms, serverCpuMs, databaseCpuMs, loadCores, serverMb]
  return [lane, ...numbers.map(formatNumber), String(failed)]
}

function ratioLine({ of, to, goal, value }: RatioResult): string {
  const verdict = goal === undefined ? '' : `, ${value >= goal ? 'reaches' : 'is below'} ${goal}`
  return `${of} / ${to} = ${value.toFixed(2)}${verdict}`
}

function figureRow({ title, value, unit, atMost, atLeast }: Figure): string[] {
  const most = atMost === undefined ? '' : `${value <= atMost ? 'within' : 'above'} ${atMost}`
  const verdict = atLeast === undefined ? most : `${value >= atLeast ? 'reaches' : 'below'} ${atLeast}`
  return [title, `${formatNumber(value)} ${unit}`, verdict]
}
