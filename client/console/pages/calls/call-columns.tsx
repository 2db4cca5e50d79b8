import { useState } from 'react'
import type { AuditEntry } from '../../../../server/audit/entry.ts'
import { Instant } from '../../shell/instant.tsx'
import { addressOf } from '../../shell/route.ts'
import type { Column } from '../../shell/table.tsx'
import { CallDetails } from './call-details.tsx'

/** What stands in the list of calls. */
export const CALL_COLUMNS: readonly [Column<AuditEntry>, ...Column<AuditEntry>[]] = [
  { title: 'Call', show: nameCell },
  {
    title: 'Outcome',
    show: ({ outcome }) => (
      <span className={outcome === 'OK' ? 'badge good' : outcome === 'dry-run' ? 'badge' : 'badge bad'}>
        {outcome}
      </span>
    ),
  },
  { title: 'When', show: ({ at }) => <Instant at={at} /> },
  { title: 'Wrote', show: ({ writeCount }) => (writeCount === 0 ? '–' : writeCount) },
  { title: 'Took', isNumber: true, show: ({ durationMs }) => `${durationMs} ms` },
]

/** What is known of a call is read when it is asked for. */
function More({ call }: { readonly call: AuditEntry }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>More</summary>
      {isOpen && (
        <>
          <CallDetails call={call} />
          <p className="small">
            <a href={addressOf('calls', 'call', call.id)}>A page of its own</a>
          </p>
        </>
      )}
    </details>
  )
}

function nameCell(call: AuditEntry) {
  const { action, actor, actedBy, calls, source, transport } = call
  return (
    <>
      {action} {calls > 1 && <span className="badge">{calls} calls</span>}
      <small>
        by {actor ?? 'the server'}
        {actedBy !== null && `, as whom ${actedBy} called`}, {transport}
        {source !== 'client' && `, ${source}`}
      </small>
      <More call={call} />
    </>
  )
}
