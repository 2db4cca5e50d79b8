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

interface Message {
  readonly id: string
  readonly state: 'queued' | 'dead'
  readonly endpoint: string
  readonly data: unknown
  readonly payer: 'owner' | 'caller'
  readonly caller: string | null
  readonly action: string
  readonly attempts: number
  readonly dueAt: string
  readonly lastError: string | null
  readonly isUnknown: boolean
  readonly maxCost: number | null
}

/** Messages that have not arrived, the newest first. */
export function Outbox({ state }: { readonly state: string }) {
  const filter = state === '' ? '' : `&state=${encodeURIComponent(state)}`
  const pages = usePages<'messages', Message>('messages', `/api/outbox?limit=50${filter}`)
  const doing = useDeed()
  return (
    <>
      <Choice
        label="State"
        choices={['queued', 'dead']}
        chosen={state}
        all="all"
        addressOf={(chosen) => addressOf('work', 'outbox', ...(chosen === '' ? [] : [chosen]))}
      />
      {doing.error && <Problem error={doing.error} />}
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
          { ...DEEDS, show: (message) => <Deeds message={message} doing={doing} /> },
        ]}
      />
      <More pages={pages} empty="Everything has arrived. Actions queue messages by ctx.tools.enqueue." />
    </>
  )
}

function nameCell({ id, endpoint, action, caller, payer, maxCost, data }: Message) {
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

function stateCell({ state, isUnknown, lastError }: Message) {
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

function Deeds({ message, doing }: { readonly message: Message; readonly doing: Doing }) {
  const { id, endpoint } = message
  const shared = { of: `${endpoint} ${id}`, doing }
  return (
    <>
      <DeedButton {...shared} label="Send now" deed={{ address: '/api/outbox/retry', body: { id } }} />
      <DeedButton
        {...shared}
        label="Drop"
        deed={{ address: '/api/outbox/drop', body: { id } }}
        question={`Give this message to ${endpoint} up for good?`}
      />
    </>
  )
}
