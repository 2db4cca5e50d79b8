import type { JobEntry } from '../../../../server/queue/list-jobs.ts'
import { Choice } from '../../shell/choice.tsx'
import { creditsOf } from '../../shell/credits.ts'
import { DeedButton } from '../../shell/deed-button.tsx'
import { deedsOf } from '../../shell/deeds.ts'
import { deputy } from '../../shell/deputy.ts'
import { Instant } from '../../shell/instant.tsx'
import { More } from '../../shell/more.tsx'
import { pagesOf } from '../../shell/pages.ts'
import { Problem } from '../../shell/problem.tsx'
import { addressOf } from '../../shell/route.ts'
import { DEEDS, Table } from '../../shell/table.tsx'
import { Details } from './details.tsx'

const STATES: readonly JobEntry['state'][] = ['waiting', 'running', 'failed', 'done']

/** What the app does later, the newest first. */
export function Jobs({ state }: { readonly state: string }) {
  // The server says what is wrong with a state that is none.
  const filter = state === '' ? {} : { state: state as JobEntry['state'] }
  const pages = pagesOf(deputy.jobs.list.useInfiniteQuery({ limit: 50, ...filter }), ({ jobs }) => jobs)
  const retry = deputy.jobs.retry.useMutation()
  const cancel = deputy.jobs.cancel.useMutation()
  const { isBusy, error } = deedsOf(retry, cancel)
  const deedsCell = ({ id, action, state: of }: JobEntry) => {
    if (of !== 'failed' && of !== 'waiting') return null
    const shared = { of: `${action} ${id}`, isBusy }
    return (
      <>
        <DeedButton {...shared} label="Run now" onPress={() => retry.mutate({ id })} />
        <DeedButton
          {...shared}
          label="Cancel"
          onPress={() => cancel.mutate({ id })}
          question={`Cancel this job of ${action} for good?`}
        />
      </>
    )
  }
  return (
    <>
      <Choice
        label="State"
        choices={STATES}
        chosen={state}
        all="all"
        addressOf={(chosen) => addressOf('work', 'jobs', ...(chosen === '' ? [] : [chosen]))}
      />
      {error && <Problem error={error} />}
      <Table
        rows={pages.entries ?? []}
        keyOf={({ id }) => id}
        columns={[
          { title: 'Job', show: nameCell },
          { title: 'State', show: stateCell },
          { title: 'When', show: ({ endedAt, dueAt }) => <Instant at={endedAt ?? dueAt} /> },
          { title: 'Attempts', show: attemptsCell },
          { ...DEEDS, show: deedsCell },
        ]}
      />
      <More pages={pages} empty="There is no such job. Actions queue them by ctx.tools.later." />
    </>
  )
}

function nameCell({ id, action, as, caller, queuedBy, input }: JobEntry) {
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

function stateCell({ state, progress, lastError }: JobEntry) {
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

function attemptsCell({ kind, state, action, attempts, maxAttempts, maxCostPerDay }: JobEntry) {
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
