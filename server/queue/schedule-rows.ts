import type { Database } from '../db/database.ts'
import { NOT_DECLARED, type Schedule } from './schedule.ts'
import { nextTick } from './schedule-times.ts'

/** What servers share of a schedule. Instants are milliseconds. */
export interface ScheduleRow {
  readonly name: string
  readonly definition: string
  /** null for one that is declared no more. */
  readonly nextAt: number | null
  readonly isPaused: boolean
  readonly lastJob: string | null
  /** When a server that declares the same was last there. */
  readonly seenAt: number
}

export interface ScheduleRows {
  /** The database's time, plus the offset of a test. */
  readonly now: number
  readonly rows: readonly ScheduleRow[]
}

export interface ScheduleOptions {
  readonly database: Database
  /** What this server declares. */
  readonly schedules: readonly Schedule[]
  /** Milliseconds that the clock of a test is ahead of the database's. */
  readonly clockOffsetMs: () => number
}

const milliseconds = (instant: string) => `floor(extract(epoch from ${instant}) * 1000)::bigint`

// The time is told even where there is no schedule.
const READ = `
  select ${milliseconds(`(now() + $1::bigint * interval '1 millisecond')`)}, it.name, it.definition,
    ${milliseconds('it.next_at')}, it.is_paused, it.last_job, ${milliseconds('it.seen_at')}
  from (select 1) as one left join deputy.schedules as it on true order by it.name`

/** Reads all schedules. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function readScheduleRows(database: Database, offsetMs: number): Promise<ScheduleRows> {
  const { rows } = await database.query({ sql: READ, params: [offsetMs] })
  return {
    now: Number(rows[0]?.[0]),
    rows: rows
      .filter(([, name]) => name !== null)
      .map(([, name, definition, nextAt, isPaused, lastJob, seenAt]) => ({
        name: String(name),
        definition: String(definition),
        nextAt: nextAt === null ? null : Number(nextAt),
        isPaused: isPaused === true,
        lastJob: lastJob === null ? null : String(lastJob),
        seenAt: Number(seenAt),
      })),
  }
}

// What is declared as before goes on as it was.
const SYNC = `
  with gone as (
    update deputy.schedules set definition = '${NOT_DECLARED}', next_at = null, seen_at = $2::timestamptz
    where not exists (select 1 from jsonb_array_elements($1::jsonb) as mine where mine ->> 'name' = schedules.name))
  insert into deputy.schedules as old (name, definition, next_at, seen_at)
  select name, definition, next_at, $2::timestamptz
  from jsonb_to_recordset($1::jsonb) as mine(name text, definition text, next_at timestamptz)
  on conflict (name) do update set definition = excluded.definition, seen_at = excluded.seen_at,
    next_at = case when old.definition = excluded.definition then old.next_at else excluded.next_at end`

/**
 * Puts what this server declares in place of what was declared before, at its start. A schedule that has changed is
 * counted from now on; one that is declared no more does not tick; who has paused one has paused it still.
 *
 * @returns how many schedules there are or were.
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function syncSchedules(options: ScheduleOptions): Promise<number> {
  const { database, schedules, clockOffsetMs } = options
  const { now, rows } = await readScheduleRows(database, clockOffsetMs())
  if (schedules.length === 0 && rows.length === 0) return 0
  const mine = schedules.map(({ name, definition, times }) => ({
    name,
    definition,
    next_at: nextTick(times, new Date(now))?.toISOString() ?? null,
  }))
  await database.write({ sql: SYNC, params: [JSON.stringify(mine), new Date(now).toISOString()] })
  return Math.max(rows.length, schedules.length)
}

const SEE = `
  update deputy.schedules set seen_at = $2::timestamptz
  from jsonb_to_recordset($1::jsonb) as mine(name text, definition text)
  where schedules.name = mine.name and schedules.definition = mine.definition`

/** Notes that a server is there that declares these. */
export async function noteSeen(
  database: Database,
  now: number,
  rows: readonly Pick<ScheduleRow, 'name' | 'definition'>[],
): Promise<void> {
  const mine = rows.map(({ name, definition }) => ({ name, definition }))
  await database.write({ sql: SEE, params: [JSON.stringify(mine), new Date(now).toISOString()] })
}

const REPLACE = `
  update deputy.schedules set definition = $3, next_at = $4::timestamptz, seen_at = $5::timestamptz
  where name = $1 and definition = $2 and seen_at = $6::timestamptz`

/** Puts a declaration in place of one that no living server has. */
export async function replaceDefinition(
  database: Database,
  row: ScheduleRow,
  by: { readonly definition: string; readonly nextAt: Date | undefined; readonly now: number },
): Promise<void> {
  const instants = [by.nextAt ?? null, new Date(by.now), new Date(row.seenAt)]
  const params = [row.name, row.definition, by.definition, ...instants.map((at) => at?.toISOString() ?? null)]
  await database.write({ sql: REPLACE, params })
}
