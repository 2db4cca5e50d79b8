import { getTableColumns, sql } from 'drizzle-orm'
import { readColumn } from '../../drizzle/engine/column-types/describe-column.ts'
import { schedules } from '../../drizzle/engine/system.ts'
import { type ActionResult, ok } from '../core/result.ts'
import { type Budgets, maxCostPerDay } from '../ledger/budgets.ts'
import type { ActionReferences } from '../tools/action-reference.ts'
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
  /** The most that all calls of its action may spend of the owner's money in a day, as of a job. */
  readonly maxCostPerDay: number | null
}

export interface ScheduleList {
  /** By name. */
  readonly schedules: readonly ScheduleEntry[]
}

const COLUMNS = getTableColumns(schedules)

/** What a list of schedules is read with. */
export interface ScheduleListContext {
  readonly actions: Pick<ActionReferences, 'budgetOf'>
  readonly budgets: Budgets
}

/** Lists what is declared. Does not check whether the caller may read it. */
export async function listSchedules(
  runtime: Pick<ReadRuntime, 'execute'>,
  context: ScheduleListContext,
): Promise<ActionResult<ScheduleList>> {
  const columns = sql.join(
    Object.values(COLUMNS).map((column) => sql`${column}`),
    sql`, `,
  )
  const { rows } = await runtime.execute(
    sql`select ${columns} from ${schedules} where ${schedules.definition} <> ${NOT_DECLARED} order by ${schedules.name}`,
  )
  return ok({ schedules: rows.flatMap((row) => readEntry(context, row)) })
}

function readEntry({ actions, budgets }: ScheduleListContext, values: readonly unknown[]): ScheduleEntry[] {
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
      maxCostPerDay: maxCostPerDay(budgets, actions.budgetOf(action)),
    },
  ]
}
