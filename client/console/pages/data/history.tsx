import { deputy } from '../../shell/deputy.ts'
import { Instant } from '../../shell/instant.tsx'
import { More } from '../../shell/more.tsx'
import { pagesOf } from '../../shell/pages.ts'
import { addressOf } from '../../shell/route.ts'
import { Table } from '../../shell/table.tsx'

interface HistoryProps {
  readonly collection: string
  readonly recordId: string
}

/** What was done to a record, the newest first, as the audit has it. */
export function History({ collection, recordId }: HistoryProps) {
  const listed = deputy.audit.list.useInfiniteQuery({ limit: 20, collection, recordId })
  const pages = pagesOf(listed, ({ entries }) => entries)
  return (
    <section aria-label="History">
      <h2>History</h2>
      <Table
        rows={pages.entries ?? []}
        keyOf={({ id }) => id}
        columns={[
          {
            title: 'What',
            show: ({ writes, action }) => {
              const done = writes.flatMap(([operation, of, id]) =>
                of === collection && id === recordId ? [operation] : [],
              )
              return `${[...new Set(done)].join(', ')} by ${action}`
            },
          },
          {
            title: 'Who',
            show: ({ actor, actedBy }) =>
              actedBy === null
                ? (actor ?? 'the server')
                : `${actor ?? 'the server'}, as whom ${actedBy} called`,
          },
          { title: 'When', show: ({ at }) => <Instant at={at} /> },
        ]}
      />
      <More pages={pages} empty="The audit has nothing of it: it was written before, or by other programs." />
      <p className="small">
        <a href={addressOf('calls', String(new URLSearchParams({ collection, recordId })))}>
          These calls, with their input
        </a>
      </p>
    </section>
  )
}
