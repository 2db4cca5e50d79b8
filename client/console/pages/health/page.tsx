import type { ServerStatus } from '../../../../server/metrics/status.ts'
import { deputy } from '../../shell/deputy.ts'
import { Instant } from '../../shell/instant.tsx'
import { Problem } from '../../shell/problem.tsx'
import { addressOf } from '../../shell/route.ts'
import { Facts } from './facts.tsx'
import { FindingsCard } from './findings.tsx'
import { worriesOf } from './status.ts'

const REFRESH_MS = 5_000

/** How the server that answers is, and its database. */
export function HealthPage() {
  const { data: status, error } = deputy.status.get.useQuery(undefined, {
    refetchInterval: REFRESH_MS,
  })
  return (
    <>
      <h1>Health</h1>
      {error && <Problem error={error} />}
      {!status && !error && <p className="waiting">Asking the server…</p>}
      {status && <Shown status={status} />}
      <FindingsCard />
    </>
  )
}

function Shown({ status }: { readonly status: ServerStatus }) {
  const { database, pool, calls, live, work, lastDay } = status
  const worries = worriesOf(status)
  return (
    <>
      <div className="card" role="status">
        {worries.length === 0 && <p>Nothing needs to be looked at.</p>}
        {worries.length > 0 && (
          <ul>
            {worries.map((worry) => (
              <li key={worry}>{worry}</li>
            ))}
          </ul>
        )}
        <p className="small">
          As of <Instant at={status.at} />
        </p>
      </div>
      <div className="columns">
        <Facts
          title="Server"
          facts={[
            ['deputyjs', status.version],
            ['Node', status.node],
            ['Runs for', durationOf(status.uptimeSeconds)],
            ['Memory', sizeOf(status.memoryBytes)],
            ['Calls at work', calls.working],
            ['Calls waiting', calls.waiting],
            ['Calls waiting for their turn on a record', calls.waitingForTurns],
            ['Calls waiting for a provider', calls.suspended],
            ['Streams', live.streams],
            ['Queries that they share', live.queries],
          ]}
        />
        <Facts
          title="Database"
          facts={[
            [database.kind === 'pglite' ? 'Embedded PostgreSQL' : 'PostgreSQL', database.version],
            ['Size', sizeOf(database.bytes)],
            ['Newest migration of the engine', database.migrations.engine ?? '–'],
            ['Newest migration of the app', database.migrations.app ?? '–'],
            ['Its clock is ahead by', `${database.aheadMs} ms`],
            ['Connections in use', `${pool.leased} of ${pool.max}`],
            ['Calls waiting for one', pool.waiting],
          ]}
        />
        <Facts
          title="All servers"
          facts={[
            ['Calls in 24 hours', lastDay.calls],
            ['Of these, tried again after a conflict', lastDay.retried],
            ...Object.entries(work?.counts ?? {}).map(([name, count]): [string, number] => [
              `Work: ${name}`,
              count,
            ]),
          ]}
        >
          <p className="links">
            <a href={addressOf('work', 'jobs')}>Jobs</a> · <a href={addressOf('work', 'outbox')}>Outbox</a> ·{' '}
            <a href={addressOf('work', 'schedules')}>Schedules</a>
          </p>
        </Facts>
      </div>
    </>
  )
}

function sizeOf(bytes: number): string {
  return `${Math.round(bytes / 1_048_576).toLocaleString()} MiB`
}

function durationOf(seconds: number): string {
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`
  return `${Math.floor(seconds / 86_400)} days`
}
