import type { JsonValue } from '../core/result.ts'
import type { Parameters } from '../db/statement.ts'
import type { Charge } from '../tools/tool-runtime.ts'
import { MAX_MESSAGE_ATTEMPTS } from './outcome.ts'

/** What the lanes of jobs begin with; no endpoint does. */
export const JOB_LANE = 'job:'
const GRANT_LANE = 'grant'
/** A grant fails while the database is away, and for good where the account cannot take it. */
const MAX_GRANT_ATTEMPTS = 50

/** A message that an action queues, sent after it has committed. */
export interface Message {
  /** The id of its side effect, the same in every attempt. */
  readonly id: string
  /** `integration/endpoint` */
  readonly endpoint: string
  readonly data: JsonValue
  readonly charge: Charge
}

/** Who a job runs as: the app's owner, the user whose call queued it, or no one. */
export type RunAs = 'owner' | 'caller' | 'nobody'

/** A job that an action queues, run after it has committed. */
export interface Job {
  readonly id: string
  /** The action that it runs. */
  readonly name: string
  /** The input as it was given, in the form of `toStored`. */
  readonly input: string
  readonly runAs: RunAs
  /** When it is due at the earliest: an instant, or milliseconds from now. */
  readonly due: Date | number
  readonly maxAttempts: number
}

/** Credits that an action grants, booked after it has committed. */
export interface Grant {
  /** Its key in the ledger. */
  readonly id: string
  readonly account: string
  /** In whole micro-credits. */
  readonly amount: number
}

/** What an action has queued. */
export interface QueuedByAction {
  readonly messages: readonly Message[]
  readonly jobs: readonly Job[]
  readonly grants: readonly Grant[]
}

/** The call that queued something. */
export interface WorkOrigin {
  /** The user who called; null for one without a token. */
  readonly caller: string | null
  /** The owner, where they acted as the caller: they pay for it. */
  readonly actedBy: string | null
  readonly action: string
  readonly invocation: string
}

/** Work that waits. */
interface Waiting extends WorkOrigin {
  readonly id: string
}

export interface QueuedMessage extends Waiting {
  readonly endpoint: string
  readonly data: JsonValue
  readonly payer: 'owner' | 'caller'
}

/** Work that a server has claimed to do it. */
interface ClaimedWork extends Waiting {
  readonly lane: string
  /** The group of callers that its caller is in; -1 without one. */
  readonly callerGroup: number
  /** Which attempt this is, from 1 on. */
  readonly attempt: number
  readonly maxAttempts: number
  /** Of a message: whether an attempt before may have arrived. */
  readonly isUnknown: boolean
}

export interface ClaimedMessage extends ClaimedWork, QueuedMessage {
  readonly kind: 'message'
}

export interface ClaimedJob extends ClaimedWork {
  readonly kind: 'job'
  /** The action that it runs. */
  readonly name: string
  /** The input as it was given, in the form of `toStored`. */
  readonly input: string
  readonly runAs: RunAs
  readonly source: 'schedule' | 'later'
  /** The schedule that it is a tick of. */
  readonly series: string | undefined
}

export interface ClaimedGrant extends ClaimedWork {
  readonly kind: 'grant'
  readonly account: string
  readonly amount: number
}

export type Claimed = ClaimedMessage | ClaimedJob | ClaimedGrant

/** Whether there is anything. */
export function hasWork({ messages, jobs, grants }: QueuedByAction): boolean {
  return messages.length + jobs.length + grants.length > 0
}

/** Whether any of it is due at once; what waits is found when its time has come. */
export function isDueNow({ messages, jobs, grants }: QueuedByAction, now: Date): boolean {
  const isDue = ({ due }: Job) => (due instanceof Date ? due.getTime() <= now.getTime() : due === 0)
  return messages.length + grants.length > 0 || jobs.some(isDue)
}

/** Writes the part of an action's last statement that queues its work. `offsetMs`: how far a test's clock is ahead. */
export function queueWork(
  parameters: Parameters,
  { caller, actedBy, action, invocation }: WorkOrigin,
  { messages, jobs, grants }: QueuedByAction,
  offsetMs: number,
): string {
  const rows = [
    ...messages.map(({ id, endpoint, data, charge }) => ({
      id,
      kind: 'message',
      lane: endpoint,
      data: JSON.stringify(data),
      payer: charge.payer,
      tries: MAX_MESSAGE_ATTEMPTS,
    })),
    ...jobs.map((job) => jobRow(job, offsetMs)),
    ...grants.map(({ id, account, amount }) => ({
      id,
      kind: 'grant',
      lane: GRANT_LANE,
      data: JSON.stringify({ account, amount }),
      tries: MAX_GRANT_ATTEMPTS,
    })),
  ]
  return `insert into deputy.queue (id, kind, lane, data, payer, run_as, source, caller, acted_by, action,
      invocation, max_attempts, due_at)
    select id, kind, lane, data, payer, run_as, case kind when 'job' then 'later' end,
      ${parameters.bind(caller)}, ${parameters.bind(actedBy)}, ${parameters.bind(action)}, ${parameters.bind(invocation)}, tries,
      coalesce(due, now() + coalesce(delay, 0) * interval '1 millisecond')
    from jsonb_to_recordset(${parameters.bind(JSON.stringify(rows))}::jsonb)
      as it(id text, kind text, lane text, data text, payer text, run_as text, tries int, due timestamptz, delay bigint)`
}

function jobRow({ id, name, input, runAs, due, maxAttempts }: Job, offsetMs: number) {
  return {
    id,
    kind: 'job',
    lane: `${JOB_LANE}${name}`,
    data: input,
    run_as: runAs,
    tries: maxAttempts,
    ...(due instanceof Date ? { due: due.toISOString() } : { delay: due + offsetMs }),
  }
}
