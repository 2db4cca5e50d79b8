import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { callMinutes } from '../../drizzle/engine/system.ts'
import { type AuditOutcome, isAuditOutcome } from '../audit/outcome.ts'
import { type ActionResult, ok } from '../core/result.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import { DURATION_ENDS_MS, quantileMs } from './durations.ts'
import { ROLLUP_DAYS } from './sweep.ts'

const RANGE_MS = ROLLUP_DAYS * 86_400_000
const instant = z.date('must be a date and time with a zone, such as 2026-01-31T09:30:00Z').optional()

/** The time that is looked at: at most seven days, which is how long minutes are kept. */
export const callRangeSchema = z
  .strictObject({
    /** The earliest instant. @default seven days before `to` */
    from: instant,
    /** The instant before which it ends. @default now */
    to: instant,
  })
  .refine(({ from, to }) => !from || !to || from <= to, { path: ['to'], message: 'must not be before from' })
  .refine(({ from, to }) => !from || !to || to.getTime() - from.getTime() <= RANGE_MS, {
    path: ['from'],
    message: `must be at most ${ROLLUP_DAYS} days before to`,
  })

export type CallRange = z.output<typeof callRangeSchema>

/** How often one action was called, and what came of it. */
export interface ActionCalls {
  /** An action's name, or the path of a procedure of the engine's; `unknown` for anything else. */
  readonly action: string
  /** Without dry runs. */
  readonly calls: number
  /** Of these, those that failed. */
  readonly errors: number
  /** Estimates, in milliseconds: half of the calls were not slower, and 95 of 100. Null without calls. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  /** The same calls, and dry runs, by how they ended; the most frequent first. */
  readonly outcomes: readonly { readonly outcome: AuditOutcome; readonly calls: number }[]
}

/** How often everything was called in some time. */
export interface CallTotals {
  readonly from: Date
  readonly to: Date
  /** By name; what was not called is not in it. */
  readonly actions: readonly ActionCalls[]
}

/** Says which instants a range names. */
export function rangeOf({ from, to }: CallRange, now: Date): { readonly from: Date; readonly to: Date } {
  const end = to ?? now
  return { from: from ?? new Date(end.getTime() - RANGE_MS), to: end }
}

/** Adds up the calls of a time, of all servers. Does not check whether the caller may read them. */
export async function queryCallTotals(
  runtime: Pick<ReadRuntime, 'execute'>,
  range: { readonly from: Date; readonly to: Date },
): Promise<ActionResult<CallTotals>> {
  const { minute, action, outcome, calls, durations } = callMinutes
  const buckets = sql.join(
    DURATION_ENDS_MS.map((_end, bucket) => sql`sum(${durations}[${bucket + 1}::int])::float8`),
    sql`, `,
  )
  const { rows } = await runtime.execute(
    sql`select ${action}, ${outcome}, sum(${calls})::float8, ${buckets} from ${callMinutes}
      where ${minute} >= date_trunc('minute', ${range.from.toISOString()}::timestamptz)
        and ${minute} < ${range.to.toISOString()}::timestamptz
      group by ${action}, ${outcome} order by ${action}, sum(${calls}) desc, ${outcome}`,
  )
  const found = rows.map(readRow)
  const names = [...new Set(found.map((row) => row.action))]
  return ok({
    ...range,
    actions: names.map((name) =>
      totalOf(
        name,
        found.filter((row) => row.action === name),
      ),
    ),
  })
}

interface Row {
  readonly action: string
  readonly outcome: AuditOutcome
  readonly calls: number
  readonly durations: readonly number[]
}

function readRow([action, outcome, calls, ...durations]: readonly unknown[]): Row {
  return {
    action: String(action),
    // An outcome of another version is a failure that this one has no word for.
    outcome: isAuditOutcome(outcome) ? outcome : 'INTERNAL_SERVER_ERROR',
    calls: Number(calls),
    durations: durations.map(Number),
  }
}

function totalOf(action: string, rows: readonly Row[]): ActionCalls {
  const real = rows.filter(({ outcome }) => outcome !== 'dry-run')
  const durations = DURATION_ENDS_MS.map((_end, bucket) => sum(real.map((row) => row.durations[bucket] ?? 0)))
  return {
    action,
    calls: sum(real.map(({ calls }) => calls)),
    errors: sum(real.filter(({ outcome }) => outcome !== 'OK').map(({ calls }) => calls)),
    p50Ms: quantileMs(durations, 0.5),
    p95Ms: quantileMs(durations, 0.95),
    outcomes: rows.map(({ outcome, calls }) => ({ outcome, calls })),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
