import { type ActionResult, ok } from '../core/result.ts'
import { VERSION } from '../core/version.ts'
import { SqlError } from '../db/database.ts'
import type { Engine } from '../invocation/engine.ts'
import type { LiveHub } from '../live/live-hub.ts'
import type { Figures } from '../metrics/queue-figures.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'

/** How one server is, and its database. It names no user. */
export interface ServerStatus {
  readonly at: Date
  /** Of the package, and of Node. */
  readonly version: string
  readonly node: string
  readonly uptimeSeconds: number
  /** What the process holds in memory. */
  readonly memoryBytes: number
  readonly hasOwner: boolean
  readonly database: DatabaseStatus
  /** Its connections to the database. */
  readonly pool: Readonly<Record<'max' | 'leased' | 'idle' | 'waiting', number>>
  /** Calls of clients by what they do: at work, waiting for room, for a turn on a record, or for an outside call. */
  readonly calls: Engine['callSlots']['counts']
  /** Streams, and the queries that they share. */
  readonly live: Pick<LiveHub, 'counts'>['counts']
  /** Work in the database, of all servers. Null while it could not be counted. */
  readonly work: WorkStatus | null
  /** Calls of the last 24 hours by all servers: those that were audited, those of them that were tried more than once. */
  readonly lastDay: { readonly calls: number; readonly retried: number; readonly attempts: number }
}

interface DatabaseStatus {
  readonly kind: 'postgres' | 'pglite'
  readonly version: string
  readonly bytes: number
  /** How far its clock is ahead of the server's, in milliseconds; a round trip less exact. */
  readonly aheadMs: number
  /** The newest migrations that it has; null where that may not be read. */
  readonly migrations: { readonly engine: string | null; readonly app: string | null }
}

interface WorkStatus {
  /** `job due` → 3: how much there is, by kind and state. */
  readonly counts: Readonly<Record<string, number>>
  /** Seconds that the oldest due work of each kind has waited. */
  readonly oldestSeconds: Readonly<Record<string, number>>
  /** Seconds by which schedules are late; below 0 for those that are not due. */
  readonly lateSeconds: Readonly<Record<string, number>>
  /** Amounts that are set aside for calls whose cost is not known yet, by payer and state. */
  readonly reservations: Readonly<Record<string, number>>
}

export interface StatusParts {
  readonly engine: Engine
  readonly reads: ReadRuntime
  readonly hub: Pick<LiveHub, 'counts'>
  /** Counts the work, or gives up soon. */
  readFigures(): Promise<Figures | undefined>
}

const FACTS = `
  select current_setting('server_version'), pg_database_size(current_database())::float8,
    (extract(epoch from clock_timestamp()) * 1000)::float8`
const LAST_DAY = `
  select count(*)::int, count(*) filter (where attempts > 1)::int, coalesce(sum(attempts), 0)::int
  from deputy.audit_log where at >= now() - interval '24 hours'`
const NEWEST = {
  engine: 'select tag from deputy.migrations order by id desc limit 1',
  app: 'select tag from drizzle.__drizzle_migrations order by id desc limit 1',
}

/** Tells how a server is. Does not check whether the caller may know. */
export async function readStatus(parts: StatusParts): Promise<ActionResult<ServerStatus>> {
  const { engine, reads, hub, readFigures } = parts
  const { callSlots, clock, clockOffsetMs, database, ownerUserId } = engine
  // Before the database is waited for: what is asked about is this moment.
  const { max, leased, idle, waiting } = database.load
  const now = {
    at: clock(),
    version: VERSION,
    node: process.version,
    uptimeSeconds: Math.round(process.uptime()),
    memoryBytes: process.memoryUsage.rss(),
    hasOwner: ownerUserId !== undefined,
    pool: { max, leased, idle, waiting },
    calls: callSlots.counts,
    live: hub.counts,
  }
  const [facts, figures, lastDay] = await Promise.all([
    databaseStatus(reads, database.kind, () => clock().getTime() - clockOffsetMs()),
    readFigures(),
    reads.run({ sql: LAST_DAY, params: [] }),
  ])
  const [calls = 0, retried = 0, attempts = 0] = (lastDay.rows[0] ?? []).map(Number)
  return ok({
    ...now,
    database: facts,
    work: figures ? workOf(figures) : null,
    lastDay: { calls, retried, attempts },
  })
}

async function databaseStatus(
  reads: ReadRuntime,
  kind: DatabaseStatus['kind'],
  nowMs: () => number,
): Promise<DatabaseStatus> {
  const beforeMs = nowMs()
  const { rows } = await reads.run({ sql: FACTS, params: [] })
  const betweenMs = (beforeMs + nowMs()) / 2
  const [version, bytes, clockMs] = rows[0] ?? []
  return {
    kind,
    version: String(version),
    bytes: Number(bytes),
    aheadMs: Math.round(Number(clockMs) - betweenMs),
    migrations: { engine: await newest(reads, NEWEST.engine), app: await newest(reads, NEWEST.app) },
  }
}

/** A role that only serves may not be let see what was migrated. */
async function newest(reads: ReadRuntime, sql: string): Promise<string | null> {
  try {
    const tag = (await reads.run({ sql, params: [] })).rows[0]?.[0]
    return typeof tag === 'string' ? tag : null
  } catch (error) {
    if (error instanceof SqlError) return null
    throw error
  }
}

function workOf({ queue, oldest, late, reservations }: Figures): WorkStatus {
  return {
    counts: Object.fromEntries(queue),
    oldestSeconds: Object.fromEntries(oldest),
    lateSeconds: Object.fromEntries(late),
    reservations: Object.fromEntries(reservations),
  }
}
