import type { ScheduleEntry } from '../../../../server/queue/list-schedules.ts'
import { creditsOf } from '../../shell/credits.ts'
import { DeedButton } from '../../shell/deed-button.tsx'
import { deedsOf } from '../../shell/deeds.ts'
import { deputy } from '../../shell/deputy.ts'
import { Instant } from '../../shell/instant.tsx'
import { Problem } from '../../shell/problem.tsx'
import { addressOf } from '../../shell/route.ts'
import { DEEDS, Table } from '../../shell/table.tsx'

/** What the app does by the clock. */
export function Schedules() {
  const { data, error } = deputy.schedules.list.useQuery()
  const pause = deputy.schedules.pause.useMutation()
  const resume = deputy.schedules.resume.useMutation()
  const runNow = deputy.schedules.runNow.useMutation()
  const deeds = deedsOf(pause, resume, runNow)
  const deedsCell = ({ name, isPaused }: ScheduleEntry) => {
    const shared = { of: name, isBusy: deeds.isBusy }
    return (
      <>
        <DeedButton
          {...shared}
          label={isPaused ? 'Resume' : 'Pause'}
          onPress={() => (isPaused ? resume : pause).mutate({ name })}
        />
        <DeedButton {...shared} label="Run now" onPress={() => runNow.mutate({ name })} />{' '}
        <a href={addressOf('work', 'jobs')}>Jobs</a>
      </>
    )
  }
  if (error && !data) return <Problem error={error} />
  if (!data) return <p className="waiting">Reading…</p>
  if (data.schedules.length === 0)
    return <p>The app has no schedules yet: declare one in server/schedules.ts.</p>
  return (
    <>
      {deeds.error && <Problem error={deeds.error} />}
      <Table
        rows={data.schedules}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Schedule', show: nameCell },
          { title: 'When', show: timesOf },
          { title: 'Next', show: ({ next }) => <Instant at={next} /> },
          { title: 'Last', show: lastCell },
          { ...DEEDS, show: deedsCell },
        ]}
      />
    </>
  )
}

function nameCell({ name, action, isPaused, maxCostPerDay }: ScheduleEntry) {
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

function lastCell({ last, lastOutcome, lastError }: ScheduleEntry) {
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

function timesOf({ cron, timeZone, every }: ScheduleEntry): string {
  if (cron !== null) return `${cron}${timeZone === null ? '' : ` (${timeZone})`}`
  return `every ${Object.entries(every ?? {})
    .map(([unit, count]) => `${count} ${unit}`)
    .join(' ')}`
}
