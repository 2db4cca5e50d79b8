import postgres from 'postgres'

/** What is in the database that cannot be, if every call happened once or not at all; for tests whose calls have keys. */
const INCONSISTENCIES = `
  with audited as (
    select id, item->>'recordId' as record_id from deputy.audit_log, jsonb_array_elements(writes) as item
    where outcome = 'OK' and item->>'op' = 'create' and item->>'collection' = 'events'),
  answered as (
    select key, result::json #>> '{json,data,recordId}' as record_id from deputy.idempotency_results
    where action in ('place', 'order', 'job:work', 'job:beat'))
  select 'two effects' as what, title as which from events group by title having count(*) > 1
  union all select 'half an effect', record_id from events
    where attendee_count = 0 and not exists (select 1 from attendees where event_id = events.record_id)
  union all select 'an effect without its audit row, or with two', events.record_id
    from events left join audited using (record_id) group by events.record_id having count(audited.id) <> 1
  union all select 'an audit row without its effect', record_id from audited
    where not exists (select 1 from events where events.record_id = audited.record_id)
  union all select 'an effect without its answer, or with two', events.record_id
    from events left join answered using (record_id) group by events.record_id having count(answered.key) <> 1
  union all select 'an answer without its effect', key from answered
    where not exists (select 1 from events where events.record_id = answered.record_id)`

/** Looks at a database from outside of the servers. */
export function lookAt(url: string) {
  const sql = postgres(url, { max: 3, onnotice: () => {}, connection: { application_name: 'truth' } })
  return {
    sql,
    /** In one snapshot, so that a half of a transaction would be seen. */
    inconsistencies: async () =>
      (await sql.unsafe<{ what: string; which: string }[]>(INCONSISTENCIES)).map(
        ({ what, which }) => `${what}: ${which}`,
      ),
    /** The ids of the events of this name. */
    effects: async (name: string) =>
      (await sql<{ id: string }[]>`select record_id as id from events where title = ${name}`).map(
        ({ id }) => id,
      ),
    /** Lets the lease of a key end, as time would; of all keys, without one. */
    endLease: (key?: string) =>
      sql`update deputy.idempotency_claims set lease_until = now() - interval '1 second' where key = ${key ?? sql`key`}`,
    /** Lets the leases of all keys and of all queued work end. */
    endLeases: () =>
      sql`with keys as (update deputy.idempotency_claims set lease_until = now() - interval '1 second')
        update deputy.queue set due_at = now() where state = 'queued' and token is not null`,
    /** Lets the leases of all reservations end. */
    endHolds: () => sql`update deputy.credit_holds set lease_until = now() - interval '1 second'`,
    /** How many connections the servers have at this moment. */
    connections: async () =>
      (
        await sql`select 1 from pg_stat_activity
          where datname = current_database() and application_name = 'deputy'`
      ).length,
    /** Ends every connection that the servers have at this moment. @returns how many. */
    terminateAll: async () =>
      (
        await sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'deputy'`
      ).length,
    /** Ends every connection on which a server is at work at this moment. */
    terminateBusy: async () => {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'deputy' and state <> 'idle'`
    },
    [Symbol.asyncDispose]: () => sql.end(),
  }
}

export type Truth = ReturnType<typeof lookAt>
