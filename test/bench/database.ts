import postgres from 'postgres'

const DEFAULT_URL = 'postgres://postgres@127.0.0.1:5432/postgres'
const APPLICATION = 'deputy-bench'

/** A database of the run's own, gone when disposed. */
export interface BenchDatabase extends AsyncDisposable {
  readonly url: string
  readonly name: string
  /** For preparing and counting; it is no part of what is measured. */
  readonly sql: postgres.Sql
  /** The processes that serve the connections of the measured server. */
  backends(): Promise<readonly number[]>
}

/** Where databases are made: a server on which this user may do that. */
export function adminUrl(env: NodeJS.ProcessEnv): string {
  return env.TEST_DATABASE_URL ?? env.DATABASE_URL ?? DEFAULT_URL
}

/** Makes an empty database. @throws {Error} when the server cannot be reached or does not allow it. */
export async function createDatabase(admin: string, purpose: string): Promise<BenchDatabase> {
  const name = `deputy_bench_${process.pid}_${purpose}`
  await asAdmin(admin, `create database ${name}`)
  const url = new URL(admin)
  url.pathname = `/${name}`
  const sql = postgres(url.href, {
    max: 2,
    onnotice: () => {},
    connection: { application_name: APPLICATION },
  })
  return {
    url: url.href,
    name,
    sql,
    async backends() {
      const rows = await sql<{ pid: number }[]>`
        select pid from pg_stat_activity where datname = ${name} and application_name <> ${APPLICATION}`
      return rows.map(({ pid }) => pid)
    },
    async [Symbol.asyncDispose]() {
      await sql.end()
      await asAdmin(admin, `drop database if exists ${name} with (force)`)
    },
  }
}

/** The version of the server: `15.20`. */
export async function serverVersion(admin: string): Promise<string> {
  const sql = postgres(admin, { max: 1 })
  try {
    const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
    return row?.version.split(' ')[0] ?? 'unknown'
  } finally {
    await sql.end()
  }
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await admin.unsafe(statement)
  } finally {
    await admin.end()
  }
}
