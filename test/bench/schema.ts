import type postgres from 'postgres'

const SYSTEM_COLUMNS = `
  record_id text primary key,
  created_by text,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  version int not null default 1`

/** The collection that only the benchmark has. */
const NOTES = `
  create table notes (${SYSTEM_COLUMNS}, body text not null);
  create index notes_created_at_idx on notes (created_at, record_id);
  create index notes_created_by_created_at_idx on notes (created_by, created_at, record_id);`

/** What an engineer would write by hand: the app's tables with the same indexes, an audit, and keys. */
const BASELINE = `
  create table events (${SYSTEM_COLUMNS},
    title text not null,
    summary text,
    starts_at timestamptz(3) not null,
    capacity int not null check (capacity between 1 and 100000),
    attendee_count int not null default 0 check (attendee_count between 0 and capacity),
    visibility text not null default 'private');
  create index on events (created_at, record_id);
  create index on events (created_by, created_at, record_id);
  create index on events (visibility, created_at, record_id);
  create table attendees (${SYSTEM_COLUMNS},
    event_id text not null references events (record_id) on delete cascade,
    attendee_id text not null,
    status text not null default 'invited',
    unique (event_id, attendee_id));
  create index on attendees (created_at, record_id);
  create index on attendees (attendee_id, created_at, record_id);
  create index on attendees (event_id, created_at, record_id);
  create table audit_log (
    id bigint generated always as identity primary key,
    at timestamptz(3) not null default now(),
    request_id text not null,
    actor text not null,
    action text not null,
    input jsonb not null,
    writes jsonb not null,
    ip text);
  create index on audit_log (at);
  create index on audit_log (actor, at);
  create table idempotency_keys (
    actor text, action text, key text,
    input_hash text not null,
    status int not null,
    answer text not null,
    created_at timestamptz(3) not null default now(),
    primary key (actor, action, key));
  create index on idempotency_keys (created_at);`

/** What must be there before Deputy starts; the rest it makes itself. */
export async function prepareDeputySchema(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(NOTES)
}

export async function prepareBaselineSchema(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(NOTES + BASELINE)
}
