import type { Logger } from 'pino'
import { type Actor, callingUserId } from '../auth/actor.ts'
import { uuidv7 } from '../core/uuid.ts'
import type { Budget } from '../ledger/budgets.ts'
import type { DryRunOptions } from './dry-run/options.ts'
import type { KeyScope } from './idempotency.ts'

export interface InvocationOptions {
  readonly actor: Actor
  readonly action: string
  readonly requestId: string
  /** A `.query`: its transaction only reads. */
  readonly readOnly: boolean
  /** Milliseconds that the handler may take in all its runs. */
  readonly deadlineMs: number
  /** Milliseconds that the call may last, with all its waits. @default 120000 */
  readonly lifetimeMs?: number | undefined
  /** @default 'caller' */
  readonly transport?: Transport
  /** @default 'client' */
  readonly source?: CallSource
  /** The address that the call came from. */
  readonly ip?: string | undefined
  /** The caller's idempotency key. */
  readonly key?: string | undefined
  /** What keys of the app's own belong to: no caller's key is one of them. @default the key is the caller's */
  readonly keySpace?: string | undefined
  /** The job that it is a run of. */
  readonly jobId?: string | undefined
  /** Whether it always has an audit row. @default false */
  readonly isAudited?: boolean
  /** What the action may spend of the owner's money in a day, in place of the default. */
  readonly actionBudget?: Partial<Budget> | undefined
  /** Where nothing of it is to stay. @default undefined */
  readonly dryRun?: DryRunOptions | undefined
  /** Whether its caller is to be told what it wrote. @default false */
  readonly tellsWrites?: boolean
  /** Of its span, where the app traces. */
  readonly trace?: TraceIds | undefined
  /** The logger of the app. */
  readonly log: Logger
}

/** What a call is found by in traces. */
export interface TraceIds {
  readonly traceId: string
  readonly spanId: string
}

/** `internal`: the server itself calls. */
export type Transport = 'trpc' | 'rest' | 'mcp' | 'caller' | 'internal'

/** What a call comes from: a client with a token or without; or the app: its schedules, its jobs, its routes, a command. */
export type CallSource = 'client' | 'schedule' | 'later' | 'route' | 'command'

export const DEFAULT_LIFETIME_MS = 120_000
/** How long leases last beyond the longest life of an invocation. */
export const LEASE_MARGIN_MS = 30_000

/** Identifies one call of one action. It never changes: what happens during the call is in its record. */
export class Invocation {
  readonly id = uuidv7()
  readonly actor: Actor
  /** The user who calls; null for one without a token. */
  readonly userId: string | null
  /** The user who has made the call and pays for it: the owner where they act as someone; null for one without a token. */
  readonly callingUserId: string | null
  /** The owner, where they act as the user; null where no one does. */
  readonly actedBy: string | null
  readonly action: string
  /** Names the action among the keys of turns. */
  readonly actionKey: string
  readonly requestId: string
  readonly readOnly: boolean
  readonly transport: Transport
  readonly source: CallSource
  readonly ip: string | undefined
  readonly isAudited: boolean
  readonly key: string | undefined
  /** What the key belongs to; undefined without one, and for a caller without a token. */
  readonly keyScope: KeyScope | undefined
  /** The job that it is a run of. */
  readonly jobId: string | undefined
  readonly actionBudget: Partial<Budget> | undefined
  /** Undefined where what it does stays. */
  readonly dryRun: DryRunOptions | undefined
  /** Whether its caller is told what it wrote. */
  readonly tellsWrites: boolean
  readonly deadlineMs: number
  readonly lifetimeMs: number
  readonly trace: TraceIds | undefined
  readonly #startedAt = performance.now()
  readonly #appLog: Logger
  #log: Logger | undefined

  constructor(options: InvocationOptions) {
    const { actor, action, key } = options
    this.actor = actor
    this.userId = actor.kind === 'user' ? actor.userId : null
    this.callingUserId = callingUserId(actor) ?? null
    this.actedBy = (actor.kind === 'user' ? actor.actedBy?.userId : undefined) ?? null
    this.action = action
    this.actionKey = `action:${action}`
    this.requestId = options.requestId
    this.readOnly = options.readOnly
    this.transport = options.transport ?? 'caller'
    this.source = options.source ?? 'client'
    this.ip = options.ip
    this.isAudited = options.isAudited ?? false
    this.key = key
    this.keyScope = key === undefined ? undefined : keyScopeOf(options, this, key)
    this.jobId = options.jobId
    this.actionBudget = options.actionBudget
    this.dryRun = options.dryRun
    this.tellsWrites = options.tellsWrites ?? false
    this.deadlineMs = options.deadlineMs
    this.lifetimeMs = options.lifetimeMs ?? DEFAULT_LIFETIME_MS
    this.trace = options.trace
    this.#appLog = options.log
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt
  }

  /** Milliseconds that are left of its longest life. */
  get remainingLifeMs(): number {
    return Math.max(0, this.lifetimeMs - this.elapsedMs)
  }

  /** Milliseconds from now after which the holder of its reservations counts as dead. */
  get leaseMs(): number {
    return this.remainingLifeMs + LEASE_MARGIN_MS
  }

  /** The logger that names the call in each line. Made when it is first asked for: it costs more than a line. */
  get log(): Logger {
    this.#log ??= this.#appLog.child(this.logged)
    return this.#log
  }

  /** The fields that each line of the log has. */
  get logged() {
    return {
      requestId: this.requestId,
      invocationId: this.id,
      action: this.action,
      actor: this.userId ?? this.actor.kind,
      actedBy: this.actedBy ?? undefined,
      // Named as OpenTelemetry has them in logs; left out of a line where they are undefined.
      trace_id: this.trace?.traceId,
      span_id: this.trace?.spanId,
    }
  }
}

/**
 * A caller without a token has no keys. No action's name has a colon. A key of the owner's is another one for each user
 * as whom they call, and none of that user's.
 */
function keyScopeOf(
  { action, keySpace }: InvocationOptions,
  { userId, actedBy }: Pick<Invocation, 'userId' | 'actedBy'>,
  key: string,
): KeyScope | undefined {
  if (keySpace !== undefined) return { actor: '', action: `${keySpace}:${action}`, key }
  if (actedBy !== null) return { actor: actedBy, action: `as ${userId}:${action}`, key }
  return userId === null ? undefined : { actor: userId, action, key }
}
