import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { readColumn } from '../../drizzle/engine/column-types/describe-column.ts'
import { queue } from '../../drizzle/engine/system.ts'
import { type ActionResult, fail, type JsonValue, ok } from '../core/result.ts'
import { type Budgets, maxCostPerDay } from '../ledger/budgets.ts'
import type { ActionReferences } from '../tools/action-reference.ts'
import { boundedList } from '../tools/bounded-list.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import {
  decodeInstantCursor,
  encodeInstantCursor,
  foreignCursor,
  type InstantPosition,
} from '../wire/cursor.ts'
import { pageFields } from '../wire/page-input.ts'
import { JOB_LANE } from './work.ts'

const MAX_LIMIT = 200
const DEFAULT_LIMIT = 50

/** `waiting`, for its time or its turn; `running`; `done`; `failed`: given up, and kept for the owner. */
const JOB_STATES = ['waiting', 'running', 'done', 'failed'] as const

const { id, kind, state, lane, data, runAs, source, caller, action, invocation, series, createdAt } = queue
const { attempts, maxAttempts, dueAt, token, lastError, progress, endedAt } = queue
const COLUMNS = {
  id,
  kind,
  state,
  lane,
  data,
  runAs,
  source,
  caller,
  action,
  invocation,
  series,
  createdAt,
  attempts,
  maxAttempts,
  dueAt,
  token,
  lastError,
  progress,
  endedAt,
}

const rowSchema = z.object({
  id: z.string(),
  kind: z.enum(['job', 'grant']),
  state: z.enum(['queued', 'dead', 'done']),
  lane: z.string(),
  data: z.string(),
  runAs: z.enum(['owner', 'caller', 'nobody']).nullable(),
  source: z.enum(['schedule', 'later']).nullable(),
  caller: z.string().nullable(),
  action: z.string(),
  invocation: z.string(),
  series: z.string().nullable(),
  createdAt: z.date(),
  attempts: z.number(),
  maxAttempts: z.number(),
  dueAt: z.date(),
  token: z.string().nullable(),
  lastError: z.string().nullable(),
  progress: z
    .string()
    .transform((text): JsonValue => JSON.parse(text))
    .nullable(),
  endedAt: z.date().nullable(),
})

/** A job, or a grant of credits, as the owner sees it. */
export interface JobEntry {
  readonly id: string
  readonly kind: 'job' | 'grant'
  /** The action that it runs; `grantCredits` for a grant. */
  readonly action: string
  readonly state: (typeof JOB_STATES)[number]
  /** Without what the action marks secret. */
  readonly input: JsonValue
  /** Who it runs as; null for a grant. */
  readonly as: 'owner' | 'caller' | 'nobody' | null
  /** The user whose call queued it; null for one without a token. */
  readonly caller: string | null
  /** What has queued it; null for a grant. */
  readonly source: 'schedule' | 'later' | null
  /** The schedule that it is a tick of. */
  readonly schedule: string | null
  /** The action, or the schedule, that queued it. */
  readonly queuedBy: string
  /** The call that queued it, as the audit names it. */
  readonly invocation: string
  readonly createdAt: Date
  /** When it is due; while it runs, when another server may take it over. */
  readonly dueAt: Date
  readonly attempts: number
  readonly maxAttempts: number
  /** Why the newest attempt failed; null before one has. */
  readonly lastError: string | null
  /** How far it says that it is. */
  readonly progress: JsonValue
  /** When it was done, or given up. */
  readonly endedAt: Date | null
  /**
   * The most that all calls of its action may spend of the owner's money in a day, this one among them, in whole
   * micro-credits; null where nothing limits it, or no action of this name is there. A grant spends nothing.
   */
  readonly maxCostPerDay: number | null
}

export const jobListSchema = z.strictObject({
  state: z.enum(JOB_STATES, `must be ${JOB_STATES.join(', ')}`).optional(),
  /** The action that the jobs run. */
  action: z.string('must be text').optional(),
  /** The schedule that the jobs are ticks of. */
  schedule: z.string('must be text').optional(),
  ...pageFields(MAX_LIMIT),
})

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly JobEntry[]
  /** Of the next page; null on the last one. */
  readonly nextCursor: string | null
}

/** What a list of jobs is read with. */
export interface JobListContext {
  readonly actions: Pick<ActionReferences, 'shownInput' | 'budgetOf'>
  readonly budgets: Budgets
  /** Milliseconds that the clock of a test is ahead of the database's. */
  readonly clockOffsetMs: () => number
}

const SELECTED = sql.join(
  Object.values(COLUMNS).map((column) => sql`${column}`),
  sql`, `,
)

/** Lists jobs and grants, newest first, a page at a time. Does not check whether the caller may read them. */
export async function listJobs(
  runtime: Pick<ReadRuntime, 'execute'>,
  context: JobListContext,
  { limit = DEFAULT_LIMIT, cursor, direction: _direction, ...filters }: z.output<typeof jobListSchema>,
): Promise<ActionResult<JobPage>> {
  const cursorScope = { list: 'jobs', filters }
  const after = typeof cursor === 'string' ? decodeInstantCursor(cursorScope, cursor) : undefined
  if (typeof cursor === 'string' && !after)
    return foreignCursor('list', 'with the same state, action and schedule')
  const isRunning = runningAt(context.clockOffsetMs())
  const { rows } = await runtime.execute(
    boundedList({
      columns: sql`${SELECTED}, ${isRunning} as _is_running`,
      rows: sql`from ${queue} where ${conditions(filters, isRunning, after)}`,
      at: sql`${createdAt}`,
      id: sql`${id}`,
      size: sql`octet_length(${data}::text)`,
      limit,
    }),
  )
  const jobs = rows.map((row) => readEntry(context, row))
  const last = jobs.at(-1)
  const more = last && rows.at(-1)?.at(-1) === true
  return ok({
    jobs,
    nextCursor: more ? encodeInstantCursor(cursorScope, { at: last.createdAt, id: last.id }) : null,
  })
}

/** Gets one job. Does not check whether the caller may read it. */
export async function getJob(
  runtime: Pick<ReadRuntime, 'execute'>,
  context: JobListContext,
  jobId: string,
): Promise<ActionResult<{ readonly job: JobEntry }>> {
  const { rows } = await runtime.execute(
    sql`select ${SELECTED}, ${runningAt(context.clockOffsetMs())} from ${queue}
      where ${id} = ${jobId} and ${kind} <> 'message'`,
  )
  return rows[0]
    ? ok({ job: readEntry(context, rows[0]) })
    : fail(
        'NOT_FOUND',
        `There is no job ${JSON.stringify(jobId)}; one that is done is kept for a while only.`,
      )
}

function runningAt(offsetMs: number): SQL {
  const now = sql`now() + ${offsetMs}::bigint * interval '1 millisecond'`
  return sql`(${state} = 'queued' and ${token} is not null and ${dueAt} > ${now})`
}

type Filters = Omit<z.output<typeof jobListSchema>, 'limit' | 'cursor' | 'direction'>

function conditions(filters: Filters, isRunning: SQL, after: InstantPosition | undefined): SQL {
  const all = [sql`${kind} in ('job', 'grant')`]
  if (filters.state !== undefined) all.push(inState(filters.state, isRunning))
  if (filters.action !== undefined) all.push(sql`${lane} = ${laneOf(filters.action)}`)
  if (filters.schedule !== undefined) all.push(sql`${series} = ${filters.schedule}`)
  if (after)
    all.push(sql`(${createdAt}, ${id}) < (${after.at.toISOString()}::timestamptz, ${after.id}::text)`)
  return sql.join(all, sql` and `)
}

function inState(wanted: (typeof JOB_STATES)[number], isRunning: SQL): SQL {
  switch (wanted) {
    case 'waiting':
      return sql`${state} = 'queued' and not ${isRunning}`
    case 'running':
      return isRunning
    case 'done':
      return sql`${state} = 'done'`
    case 'failed':
      return sql`${state} = 'dead'`
  }
}

const GRANT = 'grantCredits'

function laneOf(name: string): string {
  return name === GRANT ? 'grant' : `${JOB_LANE}${name}`
}

const SHOWN_STATES = { queued: 'waiting', dead: 'failed', done: 'done' } as const

/** @throws {z.ZodError} when the engine has not written it. */
function readEntry({ actions, budgets }: JobListContext, row: readonly unknown[]): JobEntry {
  const columns = Object.entries(COLUMNS)
  const {
    lane,
    data,
    runAs,
    token: _token,
    series,
    action,
    ...shown
  } = rowSchema.parse(
    Object.fromEntries(columns.map(([name, column], index) => [name, readColumn(column, row[index])])),
  )
  const isRunning = row[columns.length] === true
  const isGrant = shown.kind === 'grant'
  const name = isGrant ? GRANT : lane.slice(JOB_LANE.length)
  return {
    ...shown,
    action: name,
    state: isRunning ? 'running' : SHOWN_STATES[shown.state],
    input: isGrant ? JSON.parse(data) : actions.shownInput(name, data),
    as: runAs,
    schedule: series,
    queuedBy: action,
    maxCostPerDay: isGrant ? 0 : maxCostPerDay(budgets, actions.budgetOf(name)),
  }
}
