import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ErrorReports } from '../core/error-reports.ts'
import type { Observer } from '../core/observer.ts'
import { causeOf, type Failure, fail } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import { type Database, SqlError } from '../db/database.ts'
import { isPassing, isUnavailable } from '../db/sqlstate.ts'
import type { Integrations } from '../integrations/integrations.ts'
import { grant } from '../ledger/grant.ts'
import { type ByLane, type ClaimOptions, callersIn, claimWork } from './claim.ts'
import { deliver } from './deliver.ts'
import { outcomeOfCall, outcomeOfFailure, type WorkOutcome } from './outcome.ts'
import type { ReservationContext } from './renew-reservation.ts'
import {
  createFinishedJobs,
  type FinishedJobs,
  isPlainEnd,
  type SavedOutcome,
  saveOutcome,
} from './save-outcome.ts'
import type { WakeSignal } from './wake-signal.ts'
import { type Claimed, type ClaimedJob, JOB_LANE } from './work.ts'

/** Runs jobs, for a queue that knows nothing of actions. */
export interface JobRunner {
  /** Runs an attempt at a job, once for its id. @returns its failure; undefined when it is done. */
  run(job: ClaimedJob): Promise<Failure | undefined>
  /** The input of a job without what its action marks secret; undefined where there is nothing such. */
  withoutSecrets(job: ClaimedJob): string | undefined
  /** The actions that this server has: jobs of others are left to servers that have them. */
  readonly actions: readonly string[]
  /** The actions whose jobs may last longer than a message, with the milliseconds that a server may be at work on one. */
  readonly leases: ByLane
}

export interface WorkOptions extends ReservationContext {
  readonly integrations: Integrations
  readonly jobs: JobRunner
  /** The calls of clients that are under way: jobs make room for them. */
  readonly callSlots: { readonly inFlight: number }
  /** Counts what comes of work. */
  readonly observer?: Pick<Observer, 'spent' | 'workEnded'> | undefined
  /** Tells the app of jobs that are given up. */
  readonly errorReports?: Pick<ErrorReports, 'report'> | undefined
  readonly log: Logger
  /** Milliseconds after which another server may take what this one has taken. @default 150000 */
  readonly leaseMs?: number
  /** Milliseconds that the clock of a test is ahead of the database's. */
  readonly clockOffsetMs: () => number
}

export interface DispatcherOptions extends WorkOptions {
  /** Wakes the dispatcher when there is new work. */
  readonly queueSignal: WakeSignal
  /** Milliseconds between two looks for work that is due. @default 1000 */
  readonly intervalMs?: number
}

export interface Dispatcher {
  /** Takes no more work, and waits up to `graceMs` for what is under way. */
  stop(graceMs: number): Promise<void>
}

/** An attempt at work, and what came of it; undefined where another server has taken it over or it could not be saved. */
export interface DoneWork {
  readonly work: Claimed
  readonly outcome: WorkOutcome | undefined
}

const INTERVAL_MS = 1_000
const LEASE_MS = 150_000
/** The part of the lease that a call may take; the rest is for saving its outcome. */
const SEND_SHARE = 0.8
/** What one server does at a time. A lane and an integration have less, so that one that hangs leaves room. */
const MAX_IN_FLIGHT = 64
/** Jobs that are begun at once beside calls of clients, who wait for their answers… */
const JOBS_BESIDE_CALLS = 2
/** …and how long it is until more are. What is begun goes on: one that hangs keeps no other from its beginning. */
const PAUSE_BESIDE_CALLS_MS = 10
const SAVE_TIMEOUT_MS = 15_000
const SAVE_INTERVAL_MS = 250

/** Does the work of actions that have committed. */
export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { database, callSlots, clockOffsetMs, log } = options
  const finished = createFinishedJobs(database, clockOffsetMs)
  const inFlight = new Map<Promise<unknown>, Claimed>()
  let isStopped = false
  let isWoken = false
  let isLooking = false
  let looking = Promise.resolve()

  const look = () => {
    isWoken = true
    if (!isStopped && !isLooking) looking = lookWhileWoken()
  }
  const lookWhileWoken = async () => {
    isLooking = true
    try {
      // Work that comes during a look may be missed by it.
      for (; isWoken && !isStopped; await takeAll()) isWoken = false
    } catch (error) {
      if (!isUnavailable(error)) {
        log.error({ err: error }, 'Work could not be taken from the queue')
        options.errorReports?.report(error, { kind: 'server' })
      }
    } finally {
      isLooking = false
    }
  }
  const takeAll = async () => {
    while (!isStopped && inFlight.size < MAX_IN_FLIGHT) {
      const taken = await take(options, MAX_IN_FLIGHT - inFlight.size, inFlight.values())
      if (taken.length === 0) return
      for (const { work, token } of taken) {
        const attempted = attempt(options, finished, work, token).finally(() => {
          inFlight.delete(attempted)
          look()
        })
        inFlight.set(attempted, work)
      }
      if (callSlots.inFlight > 0) await sleep(PAUSE_BESIDE_CALLS_MS)
    }
  }
  const timer = setInterval(look, options.intervalMs ?? INTERVAL_MS).unref()
  const silence = options.queueSignal.onWake(look)
  look()
  return {
    async stop(graceMs) {
      isStopped = true
      clearInterval(timer)
      silence()
      await looking
      await Promise.race([
        Promise.allSettled([...inFlight.keys()]),
        sleep(graceMs, undefined, { ref: false }),
      ])
    },
  }
}

/**
 * Does everything that is due now, and what becomes due by it, and waits for it. For tests, which have no dispatcher.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function doAllDue(options: WorkOptions): Promise<readonly DoneWork[]> {
  const finished = createFinishedJobs(options.database, options.clockOffsetMs)
  const done: DoneWork[] = []
  for (;;) {
    const taken = await take(options, MAX_IN_FLIGHT, [])
    if (taken.length === 0) return done
    done.push(...(await Promise.all(taken.map(({ work, token }) => attempt(options, finished, work, token)))))
  }
}

interface Taken {
  readonly work: Claimed
  readonly token: string
}

async function take(options: WorkOptions, limit: number, inFlight: Iterable<Claimed>): Promise<Taken[]> {
  const { database, jobs, callSlots, leaseMs = LEASE_MS, clockOffsetMs } = options
  const token = uuidv7()
  const claimed = await claimWork(database, {
    token,
    leaseMs,
    limit,
    leases: jobs.leases,
    actions: jobs.actions,
    maxJobs: callSlots.inFlight > 0 ? JOBS_BESIDE_CALLS : limit,
    offsetMs: clockOffsetMs(),
    ...countByLane(inFlight),
  })
  return claimed.map((work) => ({ work, token }))
}

function countByLane(works: Iterable<Claimed>): Pick<ClaimOptions, 'byLane' | 'byGroup' | 'byCallers'> {
  const all = [...works]
  return {
    byLane: countBy(all, ({ lane }) => lane),
    byGroup: countBy(all, ({ lane }) => lane.split('/', 1).join()),
    byCallers: countBy(all, callersIn),
  }
}

function countBy(works: readonly Claimed[], keyOf: (work: Claimed) => string): ByLane {
  const counts = new Map<string, number>()
  for (const work of works) counts.set(keyOf(work), (counts.get(keyOf(work)) ?? 0) + 1)
  return Object.fromEntries(counts)
}

/** Makes an attempt and saves its outcome. Never throws: what could not be saved is taken again. */
async function attempt(
  options: WorkOptions,
  finished: FinishedJobs,
  work: Claimed,
  token: string,
): Promise<DoneWork> {
  const { database, log, clockOffsetMs, observer } = options
  const startedAt = performance.now()
  try {
    const outcome = await perform(options, work, token)
    if (!outcome) {
      observer?.workEnded(work.kind, 'lost')
      return { work, outcome }
    }
    const durationMs = performance.now() - startedAt
    await save(database, finished, { work, token, outcome, durationMs, offsetMs: clockOffsetMs() })
    tell(log, work, outcome)
    if (work.kind === 'job' && outcome.kind === 'dead') reportJob(options, work, outcome)
    observer?.workEnded(work.kind, outcome.kind)
    if (work.kind === 'message' && outcome.kind === 'done')
      observer?.spent(work.endpoint, work.payer, outcome.cost)
    return { work, outcome }
  } catch (error) {
    log.error({ err: error, ...named(work) }, 'The outcome of queued work could not be saved')
    options.errorReports?.report(error, { kind: 'server' })
    observer?.workEnded(work.kind, 'lost')
    return { work, outcome: undefined }
  }
}

/** What was thrown, of which the failure says nothing. */
function withCause(outcome: WorkOutcome, failure: Failure): WorkOutcome {
  return outcome.kind === 'dead' ? { ...outcome, cause: causeOf(failure) } : outcome
}

/** @returns undefined where another server has taken it over. */
async function perform(options: WorkOptions, work: Claimed, token: string): Promise<WorkOutcome | undefined> {
  const { database, log, leaseMs = LEASE_MS } = options
  const failed = (error: unknown) => {
    log.warn({ err: error, ...named(work) }, 'Queued work could not be done')
    return fail('SERVICE_UNAVAILABLE', 'It could not be done; the log of the server says why.')
  }
  switch (work.kind) {
    case 'message':
      return deliver(work, { ...options, token, leaseMs, timeoutMs: leaseMs * SEND_SHARE }).catch(
        (error: unknown) => outcomeOfFailure(work, failed(error)),
      )
    case 'job': {
      const failure = await options.jobs.run(work).catch(failed)
      if (failure) return withCause(outcomeOfCall(work, failure), failure)
      return { kind: 'done', cost: 0, shownData: options.jobs.withoutSecrets(work) }
    }
    case 'grant': {
      const { account, amount, id } = work
      const granted = await grant(database, { account, amount, key: id, grantedBy: null }).catch(failed)
      return granted.success ? { kind: 'done', cost: 0 } : outcomeOfCall(work, granted)
    }
  }
}

function reportJob(
  { errorReports }: WorkOptions,
  { id, name, attempt, source, invocation }: ClaimedJob,
  { error, cause }: Extract<WorkOutcome, { kind: 'dead' }>,
): void {
  const given = new Error(`The job "${name}" was given up: ${error}`, { cause })
  errorReports?.report(given, {
    kind: 'job',
    action: name,
    jobId: id,
    attempt,
    source,
    invocationId: invocation,
  })
}

function named({ id, kind, lane, attempt, invocation }: Claimed) {
  return kind === 'message'
    ? { messageId: id, endpoint: lane, attempt, invocation }
    : { jobId: id, job: lane.replace(JOB_LANE, ''), attempt, invocation }
}

const WORDS = {
  message: {
    done: 'A message was sent',
    later: 'A message is sent again later',
    dead: 'A message was given up',
  },
  job: { done: 'A job is done', later: 'A job is run again later', dead: 'A job was given up' },
  grant: { done: 'Credits were granted', later: 'Credits are granted later', dead: 'A grant was given up' },
} as const

function tell(log: Logger, work: Claimed, outcome: WorkOutcome) {
  const info = named(work)
  const words = WORDS[work.kind][outcome.kind]
  return outcome.kind === 'done' ? log.info(info, words) : log.warn({ ...info, error: outcome.error }, words)
}

/** Saves an outcome, and tries again while the database is away: only this server knows the outcome. */
async function save(database: Database, finished: FinishedJobs, outcome: SavedOutcome): Promise<void> {
  const endsAt = performance.now() + SAVE_TIMEOUT_MS
  for (;;) {
    try {
      if (!isPlainEnd(outcome)) return await saveOutcome(database, outcome)
      await finished.fulfil({ id: outcome.work.id, token: outcome.token })
      return
    } catch (error) {
      // A job that was queued meanwhile has taken the key: this one waits without it.
      if (!(isPassing(error) || isKeyTaken(error)) || performance.now() > endsAt) throw error
    }
    await sleep(SAVE_INTERVAL_MS)
  }
}

function isKeyTaken(error: unknown): boolean {
  return error instanceof SqlError && error.constraint === 'queue_lane_key'
}
