import { type ActionResult, ok } from '../core/result.ts'
import type { Database, QueryResult, Statement } from '../db/database.ts'
import { Parameters } from '../db/statement.ts'
import { jobRunning, noSuchJob } from '../tools/later.ts'
import type { WakeSignal } from './wake-signal.ts'
import { JOB_LANE, type Job, type WorkOrigin } from './work.ts'

// What was tried has left its mark under its id: what takes its place has another one.
const AFRESH =
  'id = case old.attempts when 0 then old.id else excluded.id end, attempts = 0, last_error = null'

/** The space of the keys that jobs run under: with the action it is called as the lane of the job. */
export const JOB_KEYS = 'job'

type Run = (statement: Statement) => Promise<QueryResult>

export interface UniqueJobOptions {
  readonly origin: WorkOrigin
  /** Unique for the action while the job waits. */
  readonly key: string
  /** Whether it takes the place of one that waits: its time, its input, and who it runs as. */
  readonly isReplacing: boolean
  /** Milliseconds that the clock of a test is ahead of the database's. */
  readonly offsetMs: number
}

/**
 * Queues a job unless one waits with its key. The row of the one that waits is locked either way: a server that begins
 * with it before this transaction has committed makes it a conflict, so that what it writes is seen by a job.
 *
 * @returns the id of the job that waits now.
 */
export async function queueUniqueJob(run: Run, job: Job, options: UniqueJobOptions): Promise<string> {
  const { origin, key, isReplacing, offsetMs } = options
  const parameters = new Parameters()
  const bind = (value: unknown, type?: string) => parameters.bind(value as string, type)
  const due =
    job.due instanceof Date
      ? `${bind(job.due.toISOString())}::timestamptz`
      : `now() + ${bind(job.due + offsetMs, 'bigint')} * interval '1 millisecond'`
  const values = [
    bind(job.id),
    bind(`${JOB_LANE}${job.name}`),
    bind(job.input),
    bind(job.runAs),
    bind(origin.caller),
    bind(origin.actedBy),
    bind(origin.action),
    bind(origin.invocation),
    bind(job.maxAttempts, 'int'),
    due,
    bind(key),
    bind(key),
  ]
  const changed = ['data', 'run_as', 'caller', 'acted_by', 'action', 'invocation', 'max_attempts', 'due_at']
  const set = isReplacing
    ? [...changed.map((name) => `${name} = excluded.${name}`), AFRESH].join(', ')
    : 'key = old.key'
  const sql = `insert into deputy.queue as old
      (id, lane, data, run_as, caller, acted_by, action, invocation, max_attempts, due_at, key, wanted_key, kind, source)
    values (${values.join(', ')}, 'job', 'later')
    on conflict (lane, key) where key is not null do update set ${set} returning id`
  const { rows } = await run({ sql, params: parameters.values })
  return String(rows[0]?.[0])
}

// A server may have died, or lost the database, after a job had committed and before it was noted as done. Asked of jobs
// alone that were tried: an action's transaction that reads results conflicts with those that store some.
const HAS_COMMITTED = `case work.attempts when 0 then false else exists (
      select 1 from deputy.idempotency_results as result
      where result.actor = '' and result.action = work.lane and result.key = work.id) end`

const CANCEL = `
  with found as materialized (
    select id, token is not null and due_at > now() + $2::bigint * interval '1 millisecond' as is_running
    from deputy.queue as work where id = $1 and kind = 'job' and state <> 'done' and not ${HAS_COMMITTED} for update),
  gone as (delete from deputy.queue where id in (select id from found where not is_running))
  select is_running from found`

/** Cancels a job that waits, or that was given up. One that a server is at work on is left alone. */
export async function cancelJob(
  run: Run,
  id: string,
  offsetMs: number,
): Promise<'canceled' | 'running' | 'missing'> {
  const { rows } = await run({ sql: CANCEL, params: [id, offsetMs] })
  if (!rows[0]) return 'missing'
  return rows[0][0] === true ? 'running' : 'canceled'
}

const RETRY = `
  with found as materialized (
    select id, state, token is not null and due_at > now() + $2::bigint * interval '1 millisecond' as is_running
    from deputy.queue where id = $1 and kind in ('job', 'grant') and state <> 'done' for update),
  changed as (
    update deputy.queue as it set state = 'queued', token = null, ended_at = null,
      due_at = now() + $2::bigint * interval '1 millisecond',
      attempts = case it.state when 'dead' then 0 else it.attempts end
    from found where it.id = found.id and not found.is_running)
  select is_running from found`

const DROP = `
  with found as materialized (
    select id, token is not null and due_at > now() + $2::bigint * interval '1 millisecond' as is_running
    from deputy.queue as work
    where id = $1 and kind in ('job', 'grant') and state <> 'done' and not ${HAS_COMMITTED} for update),
  gone as (delete from deputy.queue where id in (select id from found where not is_running))
  select is_running from found`

/** What a job is changed with. */
export interface JobChangeContext {
  readonly database: Database
  readonly queueSignal: WakeSignal
  /** Milliseconds that the clock of a test is ahead of the database's. */
  readonly clockOffsetMs: () => number
}

/** Has a job run now: one that waits, or one that was given up, which goes on from the steps that it has made. */
export async function retryJob(
  context: JobChangeContext,
  id: string,
): Promise<ActionResult<{ readonly id: string }>> {
  const result = await change(context, RETRY, id)
  if (result.success) context.queueSignal.wake()
  return result
}

/** Cancels a job for good, one that waits or one that was given up. */
export function dropJob(
  context: JobChangeContext,
  id: string,
): Promise<ActionResult<{ readonly id: string }>> {
  return change(context, DROP, id)
}

async function change(
  { database, clockOffsetMs }: JobChangeContext,
  sql: string,
  id: string,
): Promise<ActionResult<{ readonly id: string }>> {
  const { rows } = await database.write({ sql, params: [id, clockOffsetMs()] })
  if (!rows[0]) return noSuchJob(id)
  return rows[0][0] === true ? jobRunning(id) : ok({ id })
}
