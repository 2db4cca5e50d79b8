import type { OutboxEntry } from '../../../../server/queue/list.ts'
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

/** Messages that have not arrived, the newest first. */
export function Outbox({ state }: { readonly state: string }) {
  // The server says what is wrong with a state that is none.
  const filter = state === '' ? {} : { state: state as OutboxEntry['state'] }
  const listed = deputy.outbox.list.useInfiniteQuery({ limit: 50, ...filter })
  const pages = pagesOf(listed, ({ messages }) => messages)
  const retry = deputy.outbox.retry.useMutation()
  const drop = deputy.outbox.drop.useMutation()
  const { isBusy, error } = deedsOf(retry, drop)
  const deedsCell = ({ id, endpoint }: OutboxEntry) => {
    const shared = { of: `${endpoint} ${id}`, isBusy }
    return (
      <>
        <DeedButton {...shared} label="Send now" onPress={() => retry.mutate({ id })} />
        <DeedButton
          {...shared}
          label="Drop"
          onPress={() => drop.mutate({ id })}
          question={`Give this message to ${endpoint} up for good?`}
        />
      </>
    )
  }
  return (
    <>
      <Choice
        label="State"
        choices={['queued', 'dead']}
        chosen={state}
        all="all"
        addressOf={(chosen) => addressOf('work', 'outbox', ...(chosen === '' ? [] : [chosen]))}
      />
      {error && <Problem error={error} />}
      <Table
        rows={pages.entries ?? []}
        keyOf={({ id }) => id}
        columns={[
          { title: 'Message', show: nameCell },
          { title: 'State', show: stateCell },
          {
            title: 'Next attempt',
            show: ({ state: of, dueAt }) => (of === 'dead' ? '–' : <Instant at={dueAt} />),
          },
          { title: 'Attempts', show: ({ attempts }) => attempts },
          { ...DEEDS, show: deedsCell },
        ]}
      />
      <More pages={pages} empty="Everything has arrived. Actions queue messages by ctx.tools.enqueue." />
    </>
  )
}

function nameCell({ id, endpoint, action, caller, payer, maxCost, data }: OutboxEntry) {
  return (
    <>
      {endpoint}
      <small>
        of {action}, called by {caller ?? 'no one'}; the {payer} pays{' '}
        {maxCost === null ? 'what is not known before' : `${creditsOf(maxCost)} at most`}
      </small>
      <Details id={id} title="Data" value={data} />
    </>
  )
}

function stateCell({ state, isUnknown, lastError }: OutboxEntry) {
  return (
    <>
      <span className={state === 'dead' ? 'badge bad' : 'badge'}>
        {state === 'dead' ? 'given up' : 'waiting'}
      </span>
      {isUnknown && <small className="warn">may have arrived</small>}
      {lastError !== null && <small className="warn">{lastError}</small>}
    </>
  )
}
