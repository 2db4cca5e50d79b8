import postgres from 'postgres'
import type { Probe } from '../invocation/probe.ts'

/** A connection of its own to the database under test, with all rights. */
export function connectAsAdmin(probe: { readonly app: Pick<Probe['app'], 'databaseUrl'> }) {
  const url = probe.app.databaseUrl
  if (url === undefined) throw new Error('This test needs PostgreSQL')
  const sql = postgres(url, { max: 2, onnotice: () => {}, connection: { application_name: 'admin' } })
  return {
    url,
    sql,
    /** How many of the server's connections are in this state. */
    async connections(state?: string): Promise<number> {
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int from pg_stat_activity
        where datname = current_database() and application_name = 'deputy'
          and (${state ?? null}::text is null or state like ${`${state ?? ''}%`})`
      return row?.count ?? 0
    },
    /** Ends every connection that the server has at this moment. */
    async terminateAll(): Promise<number> {
      const ended = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'deputy'`
      return ended.length
    },
    [Symbol.asyncDispose]: () => sql.end(),
  }
}

export type Admin = ReturnType<typeof connectAsAdmin>
