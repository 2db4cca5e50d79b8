import { Choice } from '../../shell/choice.tsx'
import { creditsOf } from '../../shell/credits.ts'
import { DeedButton } from '../../shell/deed-button.tsx'
import { Instant } from '../../shell/instant.tsx'
import { More } from '../../shell/more.tsx'
import { Problem } from '../../shell/problem.tsx'
import { type Doing, useDeed, usePages } from '../../shell/read.ts'
import { addressOf } from '../../shell/route.ts'
import { DEEDS, Table } from '../../shell/table.tsx'
import { Details } from './details.tsx'

interface Job {
  readonly id: string
  readonly kind: 'job' | 'grant'
  readonly action: string
  readonly state: 'waiting' | 'running' | 'done' | 'failed'
  readonly input: unknown
  readonly as: string | null
  readonly caller: string | null
  readonly queuedBy: string
  readonly dueAt: string
  readonly attempts: number
  readonly maxAttempts: number
  readonly lastError: string | null
  readonly progress: unknown
  readonly endedAt: string | null
  readonly maxCostPerDay: number | null
}

const STATES = ['waiting', 'running', 'failed', 'done']

/** What the app does later, the newest first. */
export function Jobs({ state }: { readonly state: string }) {
  const filter = state === '' ? '' : `&state=${encodeURIComponent(state)}`
  const pages = usePages<'jobs', Job>('jobs', `/api/jobs?limit=50${filter}`)
  const doing = useDeed()
  return (
    <>
      <Choice
        label="State"
        choices={STATES}
        chosen={state}
        all="all"
        addressOf={(chosen) => addressOf('work', 'jobs', ...(chosen === '' ? [] : [chosen]))}
      />
      {doing.error && <Problem error={doing.error} />}
      <Table
        rows={pages.entries ?? []}
        keyOf={({ id }) => id}
        columns={[
          { title: 'Job', show: nameCell },
          { title: 'State', show: stateCell },
          { title: 'When', show: ({ endedAt, dueAt }) => <Instant at={endedAt ?? dueAt} /> },
          { title: 'Attempts', show: attemptsCell },
          { ...DEEDS, show: (job) => <Deeds job={job} doing={doing} /> },
        ]}
      />
      <More pages={pages} empty="There is no such job. Actions queue them by ctx.tools.later." />
    </>
  )
}

function nameCell({ id, action, as, caller, queuedBy, input }: Job) {
  return (
    <>
      {action}
      <small>
        as {as === 'caller' ? (caller ?? 'no one') : (as ?? 'the engine')}, queued by{' '}
        <a href={addressOf('actions', queuedBy)}>{queuedBy}</a>
      </small>
      <Details id={id} title="Input" value={input} />
    </>
  )
}

function stateCell({ state, progress, lastError }: Job) {
  return (
    <>
      <span className={state === 'failed' ? 'badge bad' : state === 'done' ? 'badge good' : 'badge'}>
        {state}
      </span>
      {progress !== null && <small>{JSON.stringify(progress)}</small>}
      {lastError !== null && <small className="warn">{lastError}</small>}
    </>
  )
}

function attemptsCell({ kind, state, action, attempts, maxAttempts, maxCostPerDay }: Job) {
  return (
    <>
      {attempts} of {maxAttempts}
      {kind === 'job' && state !== 'done' && maxCostPerDay !== null && (
        <small>
          at most {creditsOf(maxCostPerDay)} a day, with all runs of {action}
        </small>
      )}
    </>
  )
}

function Deeds({ job, doing }: { readonly job: Job; readonly doing: Doing }) {
  const { id, action, state } = job
  if (state !== 'failed' && state !== 'waiting') return null
  const shared = { of: `${action} ${id}`, doing }
  return (
    <>
      <DeedButton {...shared} label="Run now" deed={{ address: '/api/jobs/retry', body: { id } }} />
      <DeedButton
        {...shared}
        label="Cancel"
        deed={{ address: '/api/jobs/cancel', body: { id } }}
        question={`Cancel this job of ${action} for good?`}
      />
    </>
  )
}
