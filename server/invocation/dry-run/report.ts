import { isRecord } from '../../core/is-record.ts'
import type { ActionResult, Failure, JsonValue } from '../../core/result.ts'
import type { Job, Message, QueuedByAction, RunAs } from '../../queue/work.ts'
import type { Charge } from '../../tools/tool-runtime.ts'
import type { Stop } from '../run-state.ts'
import type { ToldPhase } from '../timeline.ts'
import type { DryRunWrite, SeenWrites } from './read-writes.ts'

/** A message that would be queued. */
export interface DryRunMessage {
  /** `integration/endpoint` */
  readonly endpoint: string
  /** Without what the endpoint marks secret. */
  readonly data: JsonValue
  readonly payer: 'owner' | 'caller'
  /** In whole micro-credits; null where a proxy bills by itself. */
  readonly maxCost: number | null
}

/** A job that would be queued. */
export interface DryRunJob {
  /** The action that it runs. */
  readonly action: string
  /** Without what the action marks secret. */
  readonly input: JsonValue
  readonly as: RunAs
  /** When it would be due: an instant (ISO 8601), or milliseconds from now. */
  readonly due: string | number
}

/** Credits that would be granted. */
export interface DryRunGrant {
  readonly account: string
  /** In whole micro-credits. */
  readonly amount: number
}

/** What a call would have done. Nothing of it has happened. */
export interface DryRunReport {
  readonly outcome: 'would commit' | 'would fail' | 'stopped'
  /** What a real call would answer, where it would fail. */
  readonly failure?: Failure
  /** The outside step that it stopped at: what is told here is what came before it. */
  readonly stoppedAt?: string
  /** The records that would be written, as `records` would show them to the caller; the owner sees all. */
  readonly writes: readonly DryRunWrite[]
  /** Whether these are all: false where there are too many, or too large ones, or others that cannot be listed. */
  readonly isComplete: boolean
  /** Tables in which more would be written that cannot be listed. For the owner alone; absent where there are none. */
  readonly tables?: readonly string[]
  /** Whether SQL of the app's own ran (`tools.sql`). For the owner alone. */
  readonly sql?: boolean
  /** For the owner alone. */
  readonly messages?: readonly DryRunMessage[]
  /** For the owner alone; absent where there are none. */
  readonly jobs?: readonly DryRunJob[]
  /** For the owner alone; absent where there are none. */
  readonly grants?: readonly DryRunGrant[]
  /**
   * The most that its outside calls and messages would cost, in whole micro-credits: of all of it for the owner, of
   * what they would pay themselves for others. Null where a proxy bills by itself.
   */
  readonly maxCost: number | null
  /** How often its handler was run. */
  readonly attempts: number
  /** What its time went to: the longest parts, statements by verb and table. For the owner alone. */
  readonly timeline?: readonly ToldPhase[]
  /** The result's data. For the owner alone. */
  readonly result?: unknown
}

/** What a dry run answers in place of the result's data. */
export interface DryRunAnswer {
  readonly dryRun: DryRunReport
}

/** Where a run came to its end. */
export interface DryRunEnd {
  readonly failure: Failure | undefined
  readonly stop: Stop | undefined
  readonly seen: SeenWrites
  readonly ranSql: boolean
  readonly queued: QueuedByAction
  readonly charges: readonly Charge[]
  readonly attempts: number
  readonly timeline: readonly ToldPhase[]
  readonly result: unknown
}

/** Leaves out what is secret. */
export interface ShownParts {
  dataOf(message: Message): JsonValue
  inputOf(job: Job): JsonValue
}

const NOTHING: QueuedByAction = { messages: [], jobs: [], grants: [] }

/** Tells of a run what its caller may be told. */
export function reportOf(end: DryRunEnd, isOwner: boolean, shown: ShownParts): DryRunReport {
  const { failure, stop, seen } = end
  // What is queued by a run that fails is never sent.
  const { messages, jobs, grants } = failure ? NOTHING : end.queued
  const charges = [...end.charges, ...messages.map(({ charge }) => charge)]
  const common = {
    ...(failure ? { failure } : {}),
    ...(stop ? { stoppedAt: sentenceOf(stop, isOwner) } : {}),
    outcome: failure ? 'would fail' : stop ? 'stopped' : 'would commit',
    writes: seen.writes,
    isComplete: seen.isComplete,
    maxCost: mostOf(isOwner ? charges : charges.filter(({ payer }) => payer === 'caller')),
    attempts: end.attempts,
  } as const
  if (!isOwner) return common
  return {
    ...common,
    ...(seen.tables.length > 0 ? { tables: seen.tables } : {}),
    sql: end.ranSql,
    timeline: end.timeline,
    messages: messages.map((message) => ({
      endpoint: message.endpoint,
      data: shown.dataOf(message),
      payer: message.charge.payer,
      maxCost: mostOf([message.charge]),
    })),
    ...(jobs.length > 0
      ? {
          jobs: jobs.map((job) => ({
            action: job.name,
            input: shown.inputOf(job),
            as: job.runAs,
            due: job.due instanceof Date ? job.due.toISOString() : job.due,
          })),
        }
      : {}),
    ...(grants.length > 0 ? { grants: grants.map(({ account, amount }) => ({ account, amount })) } : {}),
    ...(failure || stop ? {} : { result: end.result }),
  }
}

/** A caller who does not pay for a call is told neither where it goes nor what it costs. */
function sentenceOf({ name, charge }: Stop, isOwner: boolean): string {
  if (!isOwner && charge?.payer !== 'caller') return 'would make an outside call'
  if (!charge) return `would run the function of ${name}`
  return charge.transport === 'proxy'
    ? `would call ${name} through the proxy, which bills by itself`
    : `would call ${name} for at most ${charge.reserve} micro-credits`
}

function mostOf(charges: readonly Charge[]): number | null {
  if (charges.some(({ transport }) => transport === 'proxy')) return null
  return charges.reduce((sum, { reserve }) => sum + reserve, 0)
}

/**
 * Gives what a dry run has told, where the types say the action's own data.
 *
 * @throws {Error} for the answer of anything but a dry run.
 */
export function dryRunOf(answer: ActionResult<unknown>): DryRunReport {
  if (!answer.success) throw new Error(`The dry run was refused: ${answer.code}, ${answer.error}`)
  const { data } = answer
  if (isRecord(data) && isRecord(data.dryRun)) return (data as unknown as DryRunAnswer).dryRun
  throw new Error('The call was no dry run')
}
