import type { CallLog, PerformedOnce } from '../../../../server/audit/call-notes.ts'
import { Instant } from '../../shell/instant.tsx'
import { Table } from '../../shell/table.tsx'

const WORSE = /^(?:warn|error|fatal)$/

/** The `once` steps of a call; nothing where it has performed none. */
export function Onces({ once }: { readonly once: readonly PerformedOnce[] }) {
  return (
    <Table
      caption="Done once"
      isLong
      rows={once}
      keyOf={({ key, at }) => `${at.toISOString()} ${key}`}
      columns={[
        { title: 'Key', show: ({ key }) => <code>{key}</code> },
        {
          title: 'Outcome',
          show: ({ outcome }) => (
            <span className={outcome === 'answered' ? 'badge good' : 'badge bad'}>{outcome}</span>
          ),
        },
        { title: 'Attempt', isNumber: true, show: ({ attempt }) => attempt },
        { title: 'When', show: ({ at }) => <Instant at={at} /> },
        { title: 'Took', isNumber: true, show: ({ durationMs }) => `${durationMs} ms` },
      ]}
    />
  )
}

/** What a call wrote to the log. */
export function Log({ log: { lines, leftOut } }: { readonly log: CallLog }) {
  return (
    <>
      {lines.length === 0 && <p className="small">It has logged nothing that is kept.</p>}
      <Table
        caption="Log"
        isLong
        rows={lines.map((line, nth) => ({ ...line, nth }))}
        keyOf={({ nth }) => String(nth)}
        columns={[
          {
            title: 'Level',
            show: ({ level }) => <span className={WORSE.test(level) ? 'badge bad' : 'badge'}>{level}</span>,
          },
          {
            title: 'Message',
            show: ({ message, fields }) => (
              <>
                {message} {fields !== null && <pre className="code">{fields}</pre>}
              </>
            ),
          },
          { title: 'When', show: ({ at }) => <Instant at={at} /> },
          { title: 'Attempt', isNumber: true, show: ({ attempt }) => attempt },
        ]}
      />
      {leftOut > 0 && (
        <p className="small">
          {leftOut === 1 ? 'One line is' : `${leftOut} lines are`} missing between the first and the newest:
          the log of the server has all.
        </p>
      )}
    </>
  )
}
