// The engine's own tables. No collection: neither tools nor records reach them, and the app never edits them.
import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
} from 'drizzle-orm/pg-core'

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** What only the servers of one database know, such as the key of their fingerprints. */
export const systemSecrets = pgTable('system_secrets', {
  name: text('name').primaryKey(),
  /** base64 */
  value: text('value').notNull(),
})

/** Who is at work on an idempotency key. Written by single statements, never in an action's transaction. */
export const idempotencyClaims = pgTable(
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
export const idempotencyResults = pgTable(
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
export const journalSteps = pgTable(
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
export const auditLog = pgTable(
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
    cost: bigint('cost', { mode: 'bigint' }),
  },
  (entry) => [
    index('audit_log_at_idx').on(entry.at, entry.id),
    index('audit_log_actor_at_idx').on(entry.actor, entry.at, entry.id),
    index('audit_log_action_at_idx').on(entry.action, entry.at, entry.id),
    index('audit_log_writes_idx').using('gin', sql`${entry.writes} jsonb_path_ops`),
  ],
)

/** What is personal about an audit entry; it can be erased without touching the record of who did what. */
export const auditDetail = pgTable(
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
