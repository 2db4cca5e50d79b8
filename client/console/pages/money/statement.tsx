import { creditsOf } from '../../shell/credits.ts'
import { Instant } from '../../shell/instant.tsx'
import { More } from '../../shell/more.tsx'
import { usePages } from '../../shell/read.ts'
import { addressOf } from '../../shell/route.ts'
import { Table } from '../../shell/table.tsx'

interface Entry {
  readonly seq: number
  readonly at: string
  readonly kind: 'grant' | 'reserve' | 'settle' | 'refund'
  readonly availableDelta: number
  readonly cost: number
  readonly endpoint: string | null
  readonly action: string | null
  readonly caller: string | null
  readonly outcome: string | null
  readonly grantKey: string | null
}

/** What happened to an account, the newest first. */
export function Statement({ account }: { readonly account: string }) {
  const address = `/api/credits/statement?account=${encodeURIComponent(account)}&limit=50`
  const pages = usePages<'entries', Entry>('entries', address)
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

function entryCell(entry: Entry) {
  const { kind, outcome } = entry
  return (
    <>
      {kind}{' '}
      {outcome !== null && <span className={outcome === 'unknown' ? 'badge bad' : 'badge'}>{outcome}</span>}
      <small>{aboutOf(entry)}</small>
    </>
  )
}

function aboutOf({ endpoint, action, caller, grantKey }: Entry): string {
  if (endpoint === null) return grantKey === null ? '' : `key ${grantKey}`
  return `${endpoint} by ${action ?? 'a call without an action'}, called by ${caller ?? 'no one'}`
}
