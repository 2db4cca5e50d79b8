import { Batches } from '../db/batches.ts'
import type { Database } from '../db/database.ts'
import { Semaphore } from '../db/semaphore.ts'
import { Parameters } from '../db/statement.ts'
import { settleReservation } from '../ledger/settle.ts'
import type { WorkOutcome } from './outcome.ts'
import type { Claimed } from './work.ts'

/** More than anything can cost: the reservation is charged in full. */
const ALL = 9_000_000_000_000_000

// A message that was charged before, because it may have arrived, is not charged again.
const MARK_SENT = `
  with ours as materialized (select id from deputy.queue where id = $1 and token = $2 for update),
  held as (
    update deputy.credit_holds set state = 'sent', holder = $2 where effect in (select id from ours) returning 1)
  select (select count(*) from ours), (select count(*) from held),
    exists (select 1 from deputy.credit_entries where effect = $1 and kind = 'settle')`

/**
 * Marks a message as sent, right before it is. Send it only when this says `paid`; `lost` means that another server has
 * taken it over.
 */
export async function markSent(
  database: Database,
  id: string,
  token: string,
): Promise<'paid' | 'unpaid' | 'lost'> {
  const { rows } = await database.write({ sql: MARK_SENT, params: [id, token] })
  const [ours, held, isCharged] = rows[0] ?? []
  if (Number(ours) === 0) return 'lost'
  return Number(held) === 1 || isCharged === true ? 'paid' : 'unpaid'
}

export interface SavedOutcome {
  readonly work: Pick<Claimed, 'id' | 'kind'> & { readonly series?: string | undefined }
  /** The fencing token of the claim. */
  readonly token: string
  readonly outcome: WorkOutcome
  readonly durationMs: number | undefined
  /** Milliseconds that the clock of a test is ahead of the database's. */
  readonly offsetMs: number
}

/**
 * Saves the outcome of an attempt. A message that has arrived is deleted, and its reservation settled; a grant that was
 * made is deleted; a job that is done is kept for a while.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function saveOutcome(database: Database, saved: SavedOutcome): Promise<void> {
  const parameters = new Parameters()
  const ours = `ours as materialized (select id from deputy.queue
    where id = ${parameters.bind(saved.work.id)} and token = ${parameters.bind(saved.token)} for update)`
  const parts = [ours, ...changes(parameters, saved), ...toldToSchedule(parameters, saved)]
  await database.write({ sql: `with ${parts.join(', ')} select 1`, params: parameters.values })
}

/** A job that is done, of which nothing else has to be written. */
interface FinishedJob {
  readonly id: string
  /** The fencing token of the claim. */
  readonly token: string
}

const FINISH = `
  update deputy.queue as work set state = 'done', token = null, last_error = null,
    ended_at = now() + $2::bigint * interval '1 millisecond'
  from jsonb_to_recordset($1::jsonb) as finished (id text, token text)
  where work.id = finished.id and work.token = finished.token`

/** Saves that jobs are done: those that end at the same time share a commit. */
export type FinishedJobs = Batches<FinishedJob, 'saved'>

export function createFinishedJobs(database: Database, clockOffsetMs: () => number): FinishedJobs {
  const save = (jobs: readonly FinishedJob[]) =>
    database.write({ sql: FINISH, params: [JSON.stringify(jobs), clockOffsetMs()] })
  return new Batches<FinishedJob, 'saved'>({
    turns: new Semaphore(1),
    async together(jobs) {
      await save(jobs)
      return jobs.map(() => 'saved')
    },
    async alone(job) {
      await save([job])
      return 'saved'
    },
  })
}

/** Whether nothing but its end has to be written of a job. */
export function isPlainEnd({ work, outcome }: Pick<SavedOutcome, 'work' | 'outcome'>): boolean {
  return (
    work.kind === 'job' &&
    work.series === undefined &&
    outcome.kind === 'done' &&
    outcome.shownData === undefined
  )
}

function changes(parameters: Parameters, saved: SavedOutcome): string[] {
  const { work, outcome, offsetMs } = saved
  const money = work.kind === 'message' ? settlement(parameters, saved) : []
  const now = () => `now() + ${parameters.bind(offsetMs, 'bigint')} * interval '1 millisecond'`
  if (outcome.kind === 'done') {
    const { shownData } = outcome
    const shown = shownData === undefined ? '' : `, data = ${parameters.bind(shownData)}`
    return [
      ...money,
      work.kind === 'job'
        ? `finished as (update deputy.queue set state = 'done', token = null, last_error = null,
            ended_at = ${now()}${shown} where ${IS_OURS})`
        : `gone as (delete from deputy.queue where ${IS_OURS})`,
    ]
  }
  const key =
    'key = case when wanted_key is null or exists (select 1 from deputy.queue as other\n      where other.lane = work.lane and other.key = work.wanted_key) then null else wanted_key end'
  const reason = `token = null, last_error = ${parameters.bind(outcome.error)},
    is_unknown = ${parameters.bind(outcome.isUnknown, 'boolean')}`
  const next =
    outcome.kind === 'dead'
      ? `state = 'dead', ended_at = ${now()}`
      : `${key}, due_at = ${now()} + ${parameters.bind(Math.ceil(outcome.delayMs), 'int')} * interval '1 millisecond'`
  return [...money, `left_as as (update deputy.queue as work set ${reason}, ${next} where ${IS_OURS})`]
}

const IS_OURS = 'id in (select id from ours)'
const OF_OURS = 'effect in (select id from ours)'

/** What becomes of a message's reservation. */
function settlement(parameters: Parameters, { outcome, durationMs }: SavedOutcome): string[] {
  switch (outcome.kind) {
    case 'done':
      return [
        settleReservation(parameters, OF_OURS, {
          outcome: 'answered',
          cost: outcome.cost,
          durationMs,
          status: outcome.status,
        }),
      ]
    case 'dead':
      return [
        settleReservation(parameters, OF_OURS, {
          ...endingOf(outcome.isUnknown),
          durationMs,
          status: outcome.status,
        }),
      ]
    case 'later':
      // A reservation that is `sent` belongs to an attempt without an outcome; this one has its outcome.
      return [`waits as (update deputy.credit_holds set state = 'reserved' where ${OF_OURS})`]
  }
}

/** A dead message is charged if it may have arrived. */
function endingOf(isUnknown: boolean) {
  return isUnknown ? ({ outcome: 'unknown', cost: ALL } as const) : ({ outcome: 'nothing', cost: 0 } as const)
}

/** Tells a schedule how its newest job ended. */
function toldToSchedule(parameters: Parameters, { work, outcome }: SavedOutcome): string[] {
  if (work.series === undefined || outcome.kind === 'later') return []
  const how = outcome.kind === 'done' ? 'done' : 'failed'
  const error = outcome.kind === 'done' ? null : outcome.error
  return [
    `told as (update deputy.schedules set last_outcome = ${parameters.bind(how)}, last_error = ${parameters.bind(error)}
      where name = ${parameters.bind(work.series)} and last_job in (select id from ours))`,
  ]
}
