import { creditsOf } from '../../shell/credits.ts'
import { DeedButton } from '../../shell/deed-button.tsx'
import { Instant } from '../../shell/instant.tsx'
import { Problem } from '../../shell/problem.tsx'
import { type Doing, useDeed, useRead } from '../../shell/read.ts'
import { addressOf } from '../../shell/route.ts'
import { DEEDS, Table } from '../../shell/table.tsx'

interface Schedule {
  readonly name: string
  readonly cron: string | null
  readonly timeZone: string | null
  readonly every: Readonly<Record<string, number>> | null
  readonly action: string
  readonly isPaused: boolean
  readonly next: string | null
  readonly last: string | null
  readonly lastOutcome: string | null
  readonly lastError: string | null
  readonly maxCostPerDay: number | null
}

/** What the app does by the clock. */
export function Schedules() {
  const { data, error } = useRead<{ readonly schedules: readonly Schedule[] }>('/api/schedules')
  const doing = useDeed()
  if (error && !data) return <Problem error={error} />
  if (!data) return <p className="waiting">Reading…</p>
  if (data.schedules.length === 0)
    return <p>The app has no schedules yet: declare one in server/schedules.ts.</p>
  return (
    <>
      {doing.error && <Problem error={doing.error} />}
      <Table
        rows={data.schedules}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Schedule', show: nameCell },
          { title: 'When', show: timesOf },
          { title: 'Next', show: ({ next }) => <Instant at={next} /> },
          { title: 'Last', show: lastCell },
          { ...DEEDS, show: (schedule) => <Deeds schedule={schedule} doing={doing} /> },
        ]}
      />
    </>
  )
}

function nameCell({ name, action, isPaused, maxCostPerDay }: Schedule) {
  return (
    <>
      {name} {isPaused && <span className="badge">paused</span>}
      <small>
        runs <code>{action}</code>
        {maxCostPerDay !== null && `, for at most ${creditsOf(maxCostPerDay)} a day`}
      </small>
    </>
  )
}

function lastCell({ last, lastOutcome, lastError }: Schedule) {
  return (
    <>
      <Instant at={last} />{' '}
      {lastOutcome !== null && (
        <span className={lastOutcome === 'failed' ? 'badge bad' : 'badge'}>{lastOutcome}</span>
      )}
      {lastError !== null && <small className="warn">{lastError}</small>}
    </>
  )
}

function Deeds({ schedule, doing }: { readonly schedule: Schedule; readonly doing: Doing }) {
  const { name, isPaused } = schedule
  const shared = { of: name, doing }
  const turn = isPaused ? 'resume' : 'pause'
  return (
    <>
      <DeedButton
        {...shared}
        label={isPaused ? 'Resume' : 'Pause'}
        deed={{ address: `/api/schedules/${turn}`, body: { name } }}
      />
      <DeedButton {...shared} label="Run now" deed={{ address: '/api/schedules/run-now', body: { name } }} />{' '}
      <a href={addressOf('work', 'jobs')}>Jobs</a>
    </>
  )
}

function timesOf({ cron, timeZone, every }: Schedule): string {
  if (cron !== null) return `${cron}${timeZone === null ? '' : ` (${timeZone})`}`
  return `every ${Object.entries(every ?? {})
    .map(([unit, count]) => `${count} ${unit}`)
    .join(' ')}`
}
