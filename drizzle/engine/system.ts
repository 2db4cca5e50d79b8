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
    /** The user's id; null where the server itself acted. */
    actor: text('actor'),
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
    /** Of a grant: the same key grants once, for ever. */
    grantKey: text('grant_key'),
    grantedBy: text('granted_by'),
  },
  (entry) => [
    index('credit_entries_account_seq_idx').on(entry.account, entry.seq),
    index('credit_entries_effect_idx').on(entry.effect),
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

/** Messages that are sent after the action that queued them has committed, and until they have arrived. */
export const outbox = engineSchema.table(
  'outbox',
  {
    /** The outside effect, and so its hold and its idempotency key. */
    id: text('id').primaryKey(),
    state: text('state', { enum: ['queued', 'dead'] })
      .notNull()
      .default('queued'),
    endpoint: text('endpoint').notNull(),
    /** JSON */
    data: text('data').notNull(),
    payer: text('payer', { enum: ['owner', 'caller'] }).notNull(),
    /** The user whose call queued it; null for one without a token. */
    caller: text('caller'),
    action: text('action').notNull(),
    invocation: text('invocation').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    /** How often it was sent, or tried to be. */
    attempts: integer('attempts').notNull().default(0),
    /** When it is due, on the database's clock; while a server sends it, when that server counts as dead. */
    dueAt: instant('due_at').notNull().default(sql`now()`),
    /** The fencing token of the server that sends it. */
    token: text('token'),
    /** Why it has not arrived. */
    lastError: text('last_error'),
    /** Whether it may have arrived, though no one said so. */
    isUnknown: boolean('is_unknown').notNull().default(false),
  },
  (message) => [
    index('outbox_endpoint_due_at_idx')
      .on(message.endpoint, message.dueAt)
      .where(sql`${message.state} = 'queued'`),
    index('outbox_created_at_idx').on(message.createdAt, message.id),
    check('outbox_state', sql`${message.state} in ('queued', 'dead')`),
  ],
)

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
