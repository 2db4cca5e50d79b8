import { getTableColumns, sql } from 'drizzle-orm'
import { readColumn } from '../../drizzle/engine/column-types/describe-column.ts'
import { schedules } from '../../drizzle/engine/system.ts'
import { type ActionResult, ok } from '../core/result.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import { NOT_DECLARED, readDefinition, type Schedule } from './schedule.ts'
import type { Every } from './schedule-times.ts'

/** A schedule, as the owner sees it. */
export interface ScheduleEntry {
  readonly name: string
  /** Its pattern; null where it has `every`. */
  readonly cron: string | null
  readonly timeZone: string | null
  /** Its distance; null where it has `cron`. */
  readonly every: Every | null
  readonly action: string
  readonly missed: Schedule['missed']
  readonly overlap: Schedule['overlap']
  readonly isPaused: boolean
  /** null while it is paused. */
  readonly next: Date | null
  /** The newest time that it has ticked for, or that it has passed over; null before the first. */
  readonly last: Date | null
  /** What became of it: `queued`, `done`, `failed`, `skipped` or `missed`. */
  readonly lastOutcome: 'queued' | 'done' | 'failed' | 'skipped' | 'missed' | null
  /** Why its newest job failed. */
  readonly lastError: string | null
  /** The id of its newest job. */
  readonly lastJob: string | null
}

export interface ScheduleList {
  /** By name. */
  readonly schedules: readonly ScheduleEntry[]
}

const COLUMNS = getTableColumns(schedules)

/** Lists what is declared. Does not check whether the caller may read it. */
export async function listSchedules(
  runtime: Pick<ReadRuntime, 'execute'>,
): Promise<ActionResult<ScheduleList>> {
  const columns = sql.join(
    Object.values(COLUMNS).map((column) => sql`${column}`),
    sql`, `,
  )
  const { rows } = await runtime.execute(
    sql`select ${columns} from ${schedules} where ${schedules.definition} <> ${NOT_DECLARED} order by ${schedules.name}`,
  )
  return ok({ schedules: rows.flatMap(readEntry) })
}

function readEntry(values: readonly unknown[]): ScheduleEntry[] {
  const row = Object.fromEntries(
    Object.entries(COLUMNS).map(([name, column], index) => [name, readColumn(column, values[index])]),
  ) as unknown as typeof schedules.$inferSelect // The columns of the table, each read as its type.
  const definition = readDefinition(row.definition)
  if (!definition) return []
  const { times, action, missed, overlap } = definition
  const { name, isPaused, nextAt, lastAt, lastOutcome, lastError, lastJob } = row
  return [
    {
      name,
      cron: 'cron' in times ? times.cron : null,
      timeZone: 'cron' in times ? (times.timeZone ?? 'UTC') : null,
      every: 'every' in times ? times.every : null,
      action,
      missed,
      overlap,
      isPaused,
      next: isPaused ? null : nextAt,
      last: lastAt,
      lastOutcome,
      lastError,
      lastJob,
    },
  ]
}
