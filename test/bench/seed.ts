import type postgres from 'postgres'

/** How large the databases are that most works use. */
export const ROWS = 1_000
/** Who calls. The first of them have the records that are asked for. */
export const USERS = Array.from({ length: 20 }, (_, n) => `user-${n}`)
/** How many attendees a listed event has, and notes a user has: more than the 50 of a page. */
const PER_LIST = 60

/** The events that are invited to. */
export const eventId = (n: number) => `event-${n}`
/** The events whose attendees are listed. */
export const listedEventId = (n: number) => `listed-${n}`
/** Whose events of this number are; the same for both kinds. */
export const ownerOf = (n: number) => USERS[n % USERS.length] ?? ''

/** How many events of each kind there are at so many rows. */
export const listedEvents = (rows: number) => Math.floor(rows / PER_LIST)

/** So many events, attendees and notes, the same in every database. The records of those who call are among them. */
export async function seed(sql: postgres.Sql, rows: number): Promise<void> {
  const at = (n: string) => `timestamptz '2026-01-01' + ${n} * interval '1 second'`
  const user = (n: string) => `'user-' || ${n} % ${USERS.length}`
  await sql.unsafe(`
    insert into events (record_id, created_by, created_at, updated_at, title, starts_at, capacity)
    select kind || '-' || n, ${user('n')}, ${at('n')}, ${at('n')}, 'Event ' || n, ${at('n')}, 100000
    from (values ('event', ${rows}), ('listed', ${listedEvents(rows)})) as kinds (kind, times),
      generate_series(0, times - 1) as n;
    insert into attendees (record_id, created_by, created_at, updated_at, event_id, attendee_id)
    select 'attendee-' || n, ${user(`(n / ${PER_LIST})`)}, ${at('n')}, ${at('n')}, 'listed-' || n / ${PER_LIST}, 'guest-' || n
    from generate_series(0, ${listedEvents(rows) * PER_LIST} - 1) as n;
    update events set attendee_count = ${PER_LIST} where record_id like 'listed-%';
    insert into notes (record_id, created_by, created_at, updated_at, body)
    select 'note-' || n, 'user-' || n / ${PER_LIST}, ${at('n')}, ${at('n')}, 'Note ' || n || ' of the benchmark'
    from generate_series(0, ${Math.max(rows, USERS.length * PER_LIST)} - 1) as n;`)
}

/** The rows that a Deputy of this size would have of its calls and callers. */
export async function seedDeputy(sql: postgres.Sql, rows: number): Promise<void> {
  await sql`
    insert into users (record_id, created_by, created_at, updated_at, name)
    select user_id, user_id, now(), now(), user_id from unnest(${USERS}::text[]) as user_id`
  await sql.unsafe(`
    insert into deputy.audit_log (id, at, request_id, transport, actor, action, outcome, attempts, duration_ms, input_hash,
      writes, write_count, payers)
    select 'call-' || n, timestamptz '2026-01-01' + n * interval '1 second', 'request-' || n, 'rest',
      'user-' || n % ${USERS.length}, 'createEvent', 'OK', 1, 3, md5(n::text),
      jsonb_build_array(jsonb_build_object('op', 'create', 'collection', 'events', 'recordId', 'event-' || n)), 1, '{}'
    from generate_series(0, ${rows} - 1) as n`)
}

/** As the autovacuum of a database that is in use would have left them. */
export async function settle(sql: postgres.Sql): Promise<void> {
  await sql.unsafe('vacuum analyze')
}
