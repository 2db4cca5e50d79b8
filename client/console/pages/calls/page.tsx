import { deputy } from '../../shell/deputy.ts'
import { More } from '../../shell/more.tsx'
import { pagesOf } from '../../shell/pages.ts'
import { Table } from '../../shell/table.tsx'
import { CALL_COLUMNS } from './call-columns.tsx'
import { CallView } from './call-view.tsx'
import { queryOf, readFilters } from './calls.ts'
import { FilterForm } from './filter-form.tsx'

/** How often the newest calls are looked for. */
const REFRESH_MS = 3_000

/** The audit log, `#/calls`, chosen by filters, `#/calls/actor=ada&outcome=OK`, or one call of it, `#/calls/call/ID`. */
export function CallsPage({ path: [text = '', id] }: { readonly path: readonly string[] }) {
  return text === 'call' && id !== undefined ? <CallView key={id} id={id} /> : <CallList text={text} />
}

/** Calls as they are made, the newest first. */
function CallList({ text }: { readonly text: string }) {
  const filters = readFilters(text)
  const listed = deputy.audit.list.useInfiniteQuery(queryOf(filters), {
    // What follows the first page would move.
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 ? REFRESH_MS : false),
  })
  const pages = pagesOf(listed, ({ entries }) => entries)
  return (
    <>
      <h1>Calls</h1>
      <FilterForm key={text} filters={filters} />
      <Table rows={pages.entries ?? []} keyOf={({ id }) => id} columns={CALL_COLUMNS} />
      <More
        pages={pages}
        empty={
          text === ''
            ? 'Nothing was called yet that is audited.'
            : 'No call is like that: change the filters.'
        }
      />
    </>
  )
}
