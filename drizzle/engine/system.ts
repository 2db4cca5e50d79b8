// The engine's own tables, in a schema and with migrations of their own: neither tools nor records reach them, and the
// app's drizzle-kit does not see them.
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { engineSchema } from './schema.ts'

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** What only the servers of one database know, such as the key of their fingerprints. */
export const systemSecrets = engineSchema.table('system_secrets', {
  name: text('name').primaryKey(),
  /** base64 */
  value: text('value').notNull(),
})

/** Who is at work on an idempotency key. Written by single statements, never in an action's transaction. */
export const idempotencyClaims = engineSchema.table(
  'idempotency_claims',
  {
    /** The user's id. */
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    key: text('key').notNull(),
    /** The fencing token: the invocation that holds the key. */
    token: text('token').notNull(),
    inputHash: text('input_hash').notNull(),
    /** `ctx.now` of the first invocation, which a later one that takes over goes on with. */
    now: instant('now').notNull(),
    /** On the database's clock: from then on another invocation may take over. */
    leaseUntil: instant('lease_until').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
  },
  (claim) => [
    primaryKey({ name: 'idempotency_claims_pkey', columns: [claim.actor, claim.action, claim.key] }),
    index('idempotency_claims_created_at_idx').on(claim.createdAt),
  ],
)

/** What a key was answered with. Inserted by the action's own transaction, which reads nothing of it. */
export const idempotencyResults = engineSchema.table(
  'idempotency_results',
  {
    token: text('token').primaryKey(),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    key: text('key').notNull(),
    inputHash: text('input_hash').notNull(),
    /** The answer as text that no transport has shaped yet. */
    result: text('result').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
  },
  (result) => [
    unique('idempotency_results_key').on(result.actor, result.action, result.key),
    index('idempotency_results_created_at_idx').on(result.createdAt),
  ],
)

/** The journal of keyed invocations: what each outside effect was answered, before its handler sees it. */
export const journalSteps = engineSchema.table(
  'journal_steps',
  {
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    key: text('key').notNull(),
    /** Name, fingerprint and occurrence of the step. */
    identity: text('identity').notNull(),
    name: text('name').notNull(),
    /** The invocation that performs or performed it. */
    token: text('token').notNull(),
    state: text('state', { enum: ['sent', 'answered'] }).notNull(),
    /** JSON; null where the step answered nothing. */
    answer: text('answer'),
    /** What it cost, in micro-credits. */
    cost: bigint('cost', { mode: 'number' }).notNull().default(0),
    createdAt: instant('created_at').notNull().default(sql`now()`),
  },
  (step) => [
    primaryKey({
      name: 'journal_steps_pkey',
      columns: [step.actor, step.action, step.key, step.identity],
    }),
    index('journal_steps_created_at_idx').on(step.createdAt),
    check('journal_steps_state', sql`${step.state} in ('sent', 'answered')`),
  ],
)

/** Who did what: a row per invocation that wrote, spent, was denied or failed. Append-only, by a trigger. */
export const auditLog = engineSchema.table(
  'audit_log',
  {
    /** The invocation's id, a UUIDv7. */
    id: text('id').primaryKey(),
    at: instant('at').notNull(),
    requestId: text('request_id').notNull(),
    transport: text('transport').notNull(),
    /** What the call came from: `client`, `schedule`, `later`, `route`, `command`. */
    source: text('source').notNull().default('client'),
    /** The user's id; null where the server itself acted. */
    actor: text('actor'),
    /** The owner, where they acted as the actor. */
    actedBy: text('acted_by'),
    /** `createEvent`, `records.events.update`, `audit.prune`. */
    action: text('action').notNull(),
    /** `OK`, or the code of the failure. */
    outcome: text('outcome').notNull(),
    attempts: integer('attempts').notNull(),
    durationMs: integer('duration_ms').notNull(),
    /** HMAC of the canonical input; null for an input that was not valid. */
    inputHash: text('input_hash'),
    /** `[{ op, collection, recordId }]`, at most 100 of them. */
    writes: jsonb('writes').notNull(),
    /** All that were written. */
    writeCount: integer('write_count').notNull(),
    /** Whose money outside calls spent: `owner`, `caller`, or both. */
    payers: text('payers').array().notNull(),
    /** Micro-credits. */
    cost: bigint('cost', { mode: 'number' }),
    /** How many calls the row stands for: more than one where a caller fails so often that most are only counted. */
    calls: integer('calls').notNull().default(1),
  },
  (entry) => [
    index('audit_log_at_idx').on(entry.at, entry.id),
    index('audit_log_actor_at_idx').on(entry.actor, entry.at, entry.id),
    index('audit_log_action_at_idx').on(entry.action, entry.at, entry.id),
    index('audit_log_writes_idx').using('gin', sql`${entry.writes} jsonb_path_ops`),
  ],
)

/** What is personal about an audit entry; it can be erased without touching the record of who did what. */
export const auditDetail = engineSchema.table(
  'audit_detail',
  {
    id: text('id').primaryKey(),
    at: instant('at').notNull(),
    actor: text('actor'),
    /** The input as JSON text, capped, without the fields that are marked secret. */
    input: text('input'),
    ip: text('ip'),
    /** JSON, capped: what the call wrote to the log. Null where it wrote nothing. */
    log: text('log'),
    /** JSON: the `once` steps that it performed. Null where there were none. */
    once: text('once'),
  },
  (detail) => [index('audit_detail_at_idx').on(detail.at), index('audit_detail_actor_idx').on(detail.actor)],
)

/** What an account, a price or a grant may hold at most: JSON carries whole numbers up to here exactly. */
const MAX_MICRO_CREDITS = sql`9000000000000000`

/** Accounts of credits, by user id: the owner's and each user's. All amounts are whole micro-credits. */
export const creditAccounts = engineSchema.table(
  'credit_accounts',
  {
    account: text('account').primaryKey(),
    available: bigint('available', { mode: 'number' }).notNull(),
    /** Set aside for calls whose cost is not known yet. */
    reserved: bigint('reserved', { mode: 'number' }).notNull(),
  },
  (account) => [
    check('credit_accounts_available', sql`${account.available} between 0 and ${MAX_MICRO_CREDITS}`),
    check('credit_accounts_reserved', sql`${account.reserved} between 0 and ${MAX_MICRO_CREDITS}`),
  ],
)

/** Outside calls that are not settled yet. A row is deleted by the one who settles or refunds it: once. */
export const creditHolds = engineSchema.table(
  'credit_holds',
  {
    /** The outside effect, the same in every attempt at it; its idempotency key where the provider takes one. */
    effect: text('effect').primaryKey(),
    /** This reservation: an effect that was refunded may be reserved again. */
    hold: text('hold').notNull(),
    /** `sent`: from here on it may have happened. */
    state: text('state', { enum: ['reserved', 'sent'] }).notNull(),
    /** The fencing token: who works on it. */
    holder: text('holder').notNull(),
    /** On the database's clock: from then on the holder counts as dead. */
    leaseUntil: instant('lease_until').notNull(),
    account: text('account').notNull(),
    /** Whether the account is charged; an account without limit is not. */
    isMetered: boolean('is_metered').notNull(),
    amount: bigint('amount', { mode: 'number' }).notNull(),
    payer: text('payer', { enum: ['owner', 'caller'] }).notNull(),
    /** The user who called; null for one without a token. */
    caller: text('caller'),
    action: text('action').notNull(),
    invocation: text('invocation').notNull(),
    endpoint: text('endpoint').notNull(),
    transport: text('transport', { enum: ['direct', 'proxy'] }).notNull(),
    /** `[{ budget, subject }]`: where it was counted. */
    budgets: jsonb('budgets').notNull(),
    /** The day, in UTC, that it was counted on. */
    day: date('day').notNull(),
  },
  (hold) => [
    index('credit_holds_lease_until_idx').on(hold.leaseUntil),
    check('credit_holds_state', sql`${hold.state} in ('reserved', 'sent')`),
    check('credit_holds_amount', sql`${hold.amount} between 0 and ${MAX_MICRO_CREDITS}`),
  ],
)

/** What happened to accounts. Append-only, by a trigger: the sums of an account's entries are its balances. */
export const creditEntries = engineSchema.table(
  'credit_entries',
  {
    /** Grows in the order of an account's entries. */
    seq: bigint('seq', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: instant('at').notNull().default(sql`now()`),
    account: text('account').notNull(),
    kind: text('kind', { enum: ['grant', 'reserve', 'settle', 'refund'] }).notNull(),
    availableDelta: bigint('available_delta', { mode: 'number' }).notNull(),
    reservedDelta: bigint('reserved_delta', { mode: 'number' }).notNull(),
    /** What was spent; of an account without limit as well. */
    cost: bigint('cost', { mode: 'number' }).notNull().default(0),
    /** Of a reservation and what became of it. */
    hold: text('hold'),
    effect: text('effect'),
    payer: text('payer'),
    caller: text('caller'),
    action: text('action'),
    invocation: text('invocation'),
    endpoint: text('endpoint'),
    transport: text('transport'),
    /** How the call ended: `answered`, `nothing` (it surely did nothing) or `unknown`. */
    outcome: text('outcome', { enum: ['answered', 'nothing', 'unknown'] }),
    /** Of the call, as far as it is known. */
    durationMs: integer('duration_ms'),
    /** The HTTP status of the newest answer to it; null where none came. */
    status: integer('status'),
    /** Of a grant: the same key grants once, for ever. */
    grantKey: text('grant_key'),
    grantedBy: text('granted_by'),
  },
  (entry) => [
    index('credit_entries_account_seq_idx').on(entry.account, entry.seq),
    index('credit_entries_effect_idx').on(entry.effect),
    index('credit_entries_invocation_idx')
      .on(entry.invocation, entry.seq)
      .where(sql`${entry.kind} in ('settle', 'refund')`),
    index('credit_entries_settled_at_idx').on(entry.at).where(sql`${entry.kind} = 'settle'`),
    uniqueIndex('credit_entries_grant_key').on(entry.grantKey).where(sql`${entry.kind} = 'grant'`),
    uniqueIndex('credit_entries_reserved_once').on(entry.hold).where(sql`${entry.kind} = 'reserve'`),
    uniqueIndex('credit_entries_closed_once')
      .on(entry.hold)
      .where(sql`${entry.kind} in ('settle', 'refund')`),
    check(
      'credit_entries_sums',
      sql`case ${entry.kind}
        when 'grant' then ${entry.availableDelta} > 0 and ${entry.reservedDelta} = 0 and ${entry.cost} = 0
          and ${entry.grantKey} is not null
        when 'reserve' then ${entry.reservedDelta} > 0 and ${entry.availableDelta} = -${entry.reservedDelta}
          and ${entry.cost} = 0 and ${entry.hold} is not null
        when 'settle' then ${entry.cost} >= 0 and ${entry.hold} is not null and (
          (${entry.availableDelta} = 0 and ${entry.reservedDelta} = 0)
          or (${entry.reservedDelta} < 0 and ${entry.availableDelta} >= 0
            and ${entry.availableDelta} + ${entry.reservedDelta} = -${entry.cost}))
        when 'refund' then ${entry.cost} = 0 and ${entry.hold} is not null
          and ${entry.reservedDelta} <= 0 and ${entry.availableDelta} = -${entry.reservedDelta}
        else false end`,
    ),
  ],
)

/** How much a day's budgets have been used. A limit is a check, so that no race passes it. */
export const budgetDays = engineSchema.table(
  'budget_days',
  {
    budget: text('budget').notNull(),
    /** Whose it is: a caller, an action; empty for the app. */
    subject: text('subject').notNull(),
    /** In UTC. */
    day: date('day').notNull(),
    calls: bigint('calls', { mode: 'number' }).notNull(),
    credits: bigint('credits', { mode: 'number' }).notNull(),
    maxCalls: bigint('max_calls', { mode: 'number' }).notNull(),
    maxCredits: bigint('max_credits', { mode: 'number' }).notNull(),
  },
  (day) => [
    primaryKey({ name: 'budget_days_pkey', columns: [day.budget, day.subject, day.day] }),
    index('budget_days_day_idx').on(day.day),
    check('budget_days_calls', sql`${day.calls} between 0 and ${day.maxCalls}`),
    check('budget_days_credits', sql`${day.credits} between 0 and ${day.maxCredits}`),
  ],
)

/**
 * Work that is done after the transaction that queued it has committed: messages to third parties, jobs, and grants of
 * credits. A message or a grant is deleted when it is done; a job is kept for a while.
 */
export const queue = engineSchema.table(
  'queue',
  {
    /** Of a message its outside effect, and so its hold and its idempotency key; of a job its idempotency key. */
    id: text('id').primaryKey(),
    kind: text('kind', { enum: ['message', 'job', 'grant'] }).notNull(),
    /** What takes turns: `integration/endpoint`, `job:action`, `grant`. */
    lane: text('lane').notNull(),
    state: text('state', { enum: ['queued', 'dead', 'done'] })
      .notNull()
      .default('queued'),
    /** JSON: the body of a message, the input of a job as it was given, the account and the amount of a grant. */
    data: text('data').notNull(),
    /** Of a message. */
    payer: text('payer', { enum: ['owner', 'caller'] }),
    /** Of a job: who it runs as. */
    runAs: text('run_as', { enum: ['owner', 'caller', 'nobody'] }),
    /** Of a job: what has queued it. */
    source: text('source', { enum: ['schedule', 'later'] }),
    /** The user whose call queued it; null for one without a token. */
    caller: text('caller'),
    /** The owner, where they acted as the caller: they pay for it, and a job has their name in the audit. */
    actedBy: text('acted_by'),
    /** Callers by the hashes of their ids: those of a group share their part of a lane. -1 is no caller's. */
    callerGroup: smallint('caller_group')
      .notNull()
      .generatedAlwaysAs(
        sql`case when caller is null then -1 else (hashtextextended(caller, 0) & 15)::int end`,
      ),
    /** The call that queued it; a schedule's name, or the action. */
    action: text('action').notNull(),
    invocation: text('invocation').notNull(),
    /** Unique for its lane while the work waits; null while a server is at work on it. */
    key: text('key'),
    /** The key that it has again when it waits for another attempt. */
    wantedKey: text('wanted_key'),
    /** Work of one series is done one after the other, the oldest first: the name of a schedule. */
    series: text('series'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    /** How often it was tried. */
    attempts: integer('attempts').notNull().default(0),
    /** How often it is tried at most. */
    maxAttempts: integer('max_attempts').notNull(),
    /** When it is due, on the database's clock; while a server works on it, when that server counts as dead. */
    dueAt: instant('due_at').notNull().default(sql`now()`),
    /** The fencing token of the server that works on it. */
    token: text('token'),
    /** Why it is not done. */
    lastError: text('last_error'),
    /** Of a message: whether it may have arrived, though no one said so. */
    isUnknown: boolean('is_unknown').notNull().default(false),
    /** JSON: how far a job says that it is. */
    progress: text('progress'),
    /** When it was done, or given up. */
    endedAt: instant('ended_at'),
  },
  (work) => [
    index('queue_lane_caller_group_due_at_idx')
      .on(work.lane, work.callerGroup, work.dueAt)
      .where(sql`${work.state} = 'queued'`),
    uniqueIndex('queue_lane_key').on(work.lane, work.key).where(sql`${work.key} is not null`),
    index('queue_series_idx')
      .on(work.series, work.lane, work.createdAt, work.id)
      .where(sql`${work.state} = 'queued' and ${work.series} is not null`),
    index('queue_kind_created_at_idx').on(work.kind, work.createdAt, work.id),
    index('queue_dead_idx').on(work.kind).where(sql`${work.state} = 'dead'`),
    index('queue_ended_at_idx').on(work.endedAt).where(sql`${work.state} = 'done'`),
    check('queue_kind', sql`${work.kind} in ('message', 'job', 'grant')`),
    check('queue_state', sql`${work.state} in ('queued', 'dead', 'done')`),
  ],
)

/** How often calls ended with what, by minute and action, of all servers together. */
export const callMinutes = engineSchema.table(
  'call_minutes',
  {
    /** Its beginning, on the clocks of servers. */
    minute: instant('minute').notNull(),
    /** An action's name, or the path of a procedure of the engine's; `unknown` for anything else. */
    action: text('action').notNull(),
    /** `OK`, `dry-run`, or the code of the failure. */
    outcome: text('outcome').notNull(),
    calls: bigint('calls', { mode: 'number' }).notNull(),
    /** Of these, those whose duration is in each bucket. */
    durations: integer('durations').array().notNull(),
  },
  (calls) => [
    primaryKey({ name: 'call_minutes_pkey', columns: [calls.minute, calls.action, calls.outcome] }),
  ],
)

/** When schedules tick next, and who has paused them. */
export const schedules = engineSchema.table('schedules', {
  name: text('name').primaryKey(),
  /** JSON of its declaration: only servers that declare the same let it tick. Empty for one that is declared no more. */
  definition: text('definition').notNull(),
  /** On the database's clock; null for one that is declared no more. */
  nextAt: instant('next_at'),
  isPaused: boolean('is_paused').notNull().default(false),
  /** Who has paused or resumed it. */
  changedBy: text('changed_by'),
  changedAt: instant('changed_at'),
  /** The newest time that it ticked for, or that was passed over. */
  lastAt: instant('last_at'),
  /** The newest job of it. */
  lastJob: text('last_job'),
  /** `queued`, `done`, `failed`, `skipped` because the one before was still at work, `missed` while no server ran. */
  lastOutcome: text('last_outcome', { enum: ['queued', 'done', 'failed', 'skipped', 'missed'] }),
  /** Why its newest job failed. */
  lastError: text('last_error'),
  /** When a server that declares the same was last there. */
  seenAt: instant('seen_at').notNull().default(sql`now()`),
})

/** Who may not call, and who may again. Users without a row in `users` can be blocked too. */
export const blockedUsers = engineSchema.table(
  'blocked_users',
  {
    userId: text('user_id').primaryKey(),
    isBlocked: boolean('is_blocked').notNull(),
    changedBy: text('changed_by').notNull(),
    changedAt: instant('changed_at').notNull(),
    /** Grows with every change, in the order of commits. */
    revision: bigint('revision', { mode: 'number' }).notNull(),
  },
  (user) => [index('blocked_users_revision_idx').on(user.revision)],
)

/**
 * How often callers have called, counted by all servers together. Unlogged, by its migration: each call may write to it,
 * and after a crash of the database every caller may begin again.
 */
export const rateLimits = engineSchema.table('rate_limits', {
  /** The limit, and a hash of whose calls it counts. */
  key: text('key').primaryKey(),
  /** When it is as if no one had called: microseconds since 1970, on the database's clock. From then on the row is swept. */
  fullAt: bigint('full_at', { mode: 'number' }).notNull(),
  /** How many calls the newest statement was granted. */
  granted: integer('granted').notNull(),
})
