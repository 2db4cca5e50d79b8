import type { AuditEntry } from '../../../../server/audit/entry.ts'
import { creditsOf } from '../../shell/credits.ts'
import { deputy } from '../../shell/deputy.ts'
import { Problem } from '../../shell/problem.tsx'
import { addressOf } from '../../shell/route.ts'
import { Table } from '../../shell/table.tsx'
import { useViewer } from '../../shell/viewer.ts'
import { prepareDraft } from '../actions/draft.ts'
import { Log, Onces } from './call-notes.tsx'
import { inputOf, isAction } from './calls.ts'

/** What is known of a call: its request, what it wrote, what it did outside, its job, and its input. */
export function CallDetails({ call }: { readonly call: AuditEntry }) {
  const { input, requestId, writes, writeCount, attempts, cost, payers, ip } = call
  return (
    <>
      <dl className="facts">
        <dt>Request</dt>
        <dd>
          <code>{requestId}</code>, as the server’s log names it
        </dd>
        <dt>Attempts</dt>
        <dd>{attempts}</dd>
        {cost !== null && (
          <>
            <dt>Cost</dt>
            <dd>
              {creditsOf(cost)}, paid by {payers.join(' and ')}
            </dd>
          </>
        )}
        <dt>Address</dt>
        <dd>{ip ?? '–'}</dd>
      </dl>
      {writes.length > 0 && (
        <ul>
          {writes.map(([operation, collection, recordId]) => (
            <li key={`${operation} ${collection} ${recordId}`}>
              {operation}{' '}
              <a href={addressOf('calls', String(new URLSearchParams({ collection, recordId })))}>
                {collection}/{recordId}
              </a>
            </li>
          ))}
          {writeCount > writes.length && <li>and {writeCount - writes.length} more</li>}
        </ul>
      )}
      <Belonging call={call} />
      <p>Input, without what is secret</p>
      <pre className="code">{input ?? 'It was erased.'}</pre>
      <Again call={call} />
    </>
  )
}

/** What the server looks for elsewhere: the job of the call, its outside calls with their answers, and its log. */
function Belonging({ call: { id, cost, source } }: { readonly call: AuditEntry }) {
  const { data, error } = deputy.audit.get.useQuery({ id })
  const { isOwner } = useViewer()
  if (error) return <Problem error={error} />
  if (!data)
    return cost === null && source === 'client' ? null : <p className="waiting">Reading its steps…</p>
  const { job, steps, once, log } = data
  return (
    <>
      {job !== null && (
        <p>
          A run of job {isOwner ? <a href={addressOf('work', 'jobs')}>{job.id}</a> : job.id}
          {job.schedule !== null && `, of the schedule ${job.schedule}`}
        </p>
      )}
      <Table
        caption="Outside calls"
        rows={steps.map((step, nth) => ({ ...step, nth }))}
        keyOf={({ nth }) => String(nth)}
        columns={[
          { title: 'Endpoint', show: ({ endpoint }) => endpoint },
          {
            title: 'Answer',
            show: ({ outcome, status }) => (
              <>
                <span className={outcome === 'answered' ? 'badge good' : 'badge bad'}>
                  {outcome ?? 'unknown'}
                </span>{' '}
                {status}
              </>
            ),
          },
          { title: 'Paid by', show: ({ payer }) => payer ?? '–' },
          { title: 'Cost', isNumber: true, show: (step) => creditsOf(step.cost) },
          {
            title: 'Took',
            isNumber: true,
            show: ({ durationMs }) => (durationMs === null ? '–' : `${durationMs} ms`),
          },
        ]}
      />
      {steps.length === 0 && once?.length === 0 && <p className="small">It has called no one outside.</p>}
      {once && <Onces once={once} />}
      {log && <Log log={log} />}
    </>
  )
}

/** A link to the form of the action, with the same input and as the same user, to be tried as a dry run. */
function Again({ call }: { readonly call: AuditEntry }) {
  const { userId, isOwner } = useViewer()
  const input = inputOf(call)
  if (!isAction(call) || input === undefined) return null
  const actAs = isOwner && call.actor !== null && call.actor !== userId ? call.actor : ''
  return (
    <p>
      <a
        href={addressOf('actions', call.action)}
        onClick={() => prepareDraft(userId, call.action, input, actAs)}
      >
        Try it again as a dry run
      </a>
    </p>
  )
}
