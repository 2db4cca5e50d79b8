import type { Logger } from 'pino'
import type { BlockedUsers } from '../auth/blocked-users.ts'
import type { Verifier } from '../auth/verifier.ts'
import type { ErrorReports } from '../core/error-reports.ts'
import type { Observer } from '../core/observer.ts'
import type { Database } from '../db/database.ts'
import type { HttpClient } from '../integrations/http-client.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { Budgets } from '../ledger/budgets.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { JobRunner } from '../queue/dispatcher.ts'
import type { Schedule } from '../queue/schedule.ts'
import type { WakeSignal } from '../queue/wake-signal.ts'
import type { Policies } from '../records/policy.ts'
import type { CallRollup } from '../rollup/call-rollup.ts'
import type { ActionReferences } from '../tools/action-reference.ts'
import type { Catalog } from '../tools/catalog.ts'
import type { AuditRows } from './audit-row.ts'
import type { CallSlots } from './call-slots.ts'
import type { Changes } from './changes.ts'
import type { FailureRecord } from './failure-record.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { LiveCalls } from './live-calls.ts'
import type { Tracing } from './tracing.ts'
import type { Turns } from './turns.ts'
import type { WriteQueue } from './write-queue.ts'

/** The points where a test may stop a call or the process. */
export type FailpointName =
  | 'after-claim'
  | 'after-reserve'
  | 'after-step-sent'
  | 'after-step-answered'
  | 'before-commit'
  | 'after-commit'
  | 'before-respond'

export type Failpoint = (name: FailpointName) => void | Promise<void>

/** Everything a call needs, given once at start. The engine opens nothing and reads no environment by itself. */
export interface Engine {
  readonly catalog: Catalog
  /** The access rules of the collections. */
  readonly policies: Policies
  /** The roles that a user can be given. */
  readonly roles: ReadonlySet<string>
  readonly database: Database
  readonly ledger: Ledger
  readonly auditRows: AuditRows
  readonly verifier: Verifier
  /** Asked before every call of a user. */
  readonly blockedUsers: BlockedUsers
  readonly integrations: Integrations
  /** The client of all requests to other hosts. */
  readonly http: HttpClient
  /** Counts the calls of clients. */
  readonly limiter: Limiter
  readonly turns: Turns
  /** Tells which collections a call has written, once it has committed. */
  readonly changes: Changes
  /** Wakes the dispatcher when an action has queued work. */
  readonly queueSignal: WakeSignal
  /** The room for calls of clients. Jobs leave some of theirs while there are any. */
  readonly callSlots: CallSlots
  /** Runs the jobs of the queue. */
  readonly jobs: JobRunner
  /** What the app does on its own. */
  readonly schedules: readonly Schedule[]
  /** The app's actions, by what their modules export. */
  readonly actions: ActionReferences
  /** Gives back idempotency keys once the database is back. */
  readonly keyReleaseQueue: WriteQueue
  /** Writes audit rows of failed calls once the database is back. */
  readonly auditRowQueue: WriteQueue
  /** Counts failing calls of whom so many fail that not each has a row and a line. */
  readonly failures: FailureRecord
  readonly fingerprint: Fingerprint
  /** Signs what agents confirm calls by, with a key of its own that all servers of the database share. */
  readonly confirmationMac: Fingerprint
  readonly clock: () => Date
  /** Milliseconds that the clock of a test is ahead of the database's; 0 in a server. */
  readonly clockOffsetMs: () => number
  /** Called at named points of a call; only tests of faults give it a function. */
  readonly failpoint: Failpoint
  /** Calls that take as long, in milliseconds, say in the log what their time went to; infinite for none. */
  readonly slowCallMs: number
  /** Whether what calls log is kept with their audit. */
  readonly keepsLog: boolean
  /** The longest that the answer of a failed call waits for its audit row, in milliseconds. */
  readonly auditWaitMs: number
  /** Counts calls in the database, where a server has it do so. */
  readonly rollup: CallRollup
  /** The calls that are under way. */
  readonly liveCalls: LiveCalls
  /** Tells the app of unexpected errors. */
  readonly errorReports: ErrorReports
  /** Begins spans; undefined where the app does not trace. */
  readonly tracing: Tracing | undefined
  /** Counts what happens; undefined where no one asks for it. */
  readonly observer: Observer | undefined
  readonly log: Logger
  readonly ownerUserId: string | undefined
  /** Whether the owner may call as another user. */
  readonly mayActAs: boolean
  /** The path of the claim that says a role, where one may. */
  readonly roleClaim: string | undefined
  /** Whether the owner's account has no limit: what it spends is noted, and nothing is charged. */
  readonly isOwnerUnmetered: boolean
  /** What may be spent of the owner's money in a day. */
  readonly budgets: Budgets
  /** What `ctx.env` shows: the app's own environment, parsed, and `OWNER_USER_ID`. */
  readonly appEnv: Readonly<Record<string, unknown>> & { readonly OWNER_USER_ID: string | undefined }
}
