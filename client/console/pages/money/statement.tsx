import type { CreditEntry } from '../../../../server/ledger/entry.ts'
import { creditsOf } from '../../shell/credits.ts'
import { deputy } from '../../shell/deputy.ts'
import { Instant } from '../../shell/instant.tsx'
import { More } from '../../shell/more.tsx'
import { pagesOf } from '../../shell/pages.ts'
import { addressOf } from '../../shell/route.ts'
import { Table } from '../../shell/table.tsx'

/** What happened to an account, the newest first. */
export function Statement({ account }: { readonly account: string }) {
  const listed = deputy.credits.statement.useInfiniteQuery({ account, limit: 50 })
  const pages = pagesOf(listed, ({ entries }) => entries)
  return (
    <>
      <h2>
        {account} <a href={addressOf('money', 'accounts')}>All accounts</a>
      </h2>
      <Table
        rows={pages.entries ?? []}
        keyOf={({ seq }) => String(seq)}
        columns={[
          { title: 'Entry', show: entryCell },
          { title: 'When', show: ({ at }) => <Instant at={at} /> },
          {
            title: 'Available',
            isNumber: true,
            show: ({ availableDelta }) => `${availableDelta > 0 ? '+' : ''}${creditsOf(availableDelta)}`,
          },
          { title: 'Cost', isNumber: true, show: ({ cost }) => (cost === 0 ? '–' : creditsOf(cost)) },
        ]}
      />
      <More pages={pages} empty="Nothing has happened to this account." />
    </>
  )
}

function entryCell(entry: CreditEntry) {
  const { kind, outcome } = entry
  return (
    <>
      {kind}{' '}
      {outcome !== null && <span className={outcome === 'unknown' ? 'badge bad' : 'badge'}>{outcome}</span>}
      <small>{aboutOf(entry)}</small>
    </>
  )
}

function aboutOf({ endpoint, action, caller, grantKey }: CreditEntry): string {
  if (endpoint === null) return grantKey === null ? '' : `key ${grantKey}`
  return `${endpoint} by ${action ?? 'a call without an action'}, called by ${caller ?? 'no one'}`
}
