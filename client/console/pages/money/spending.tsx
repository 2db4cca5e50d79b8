import type { SpendingReport, Spending as Spent } from '../../../../server/ledger/spending.ts'
import { Choice } from '../../shell/choice.tsx'
import { creditsOf } from '../../shell/credits.ts'
import { deputy } from '../../shell/deputy.ts'
import { Problem } from '../../shell/problem.tsx'
import { addressOf } from '../../shell/route.ts'
import { Table } from '../../shell/table.tsx'
import { DayBars } from './day-bars.tsx'

const BY = ['action', 'integration', 'user'] as const

/** What calls to providers have cost in the last 30 days. */
export function Spending({ of }: { readonly of: string }) {
  // The server says what is wrong with a name that is none of them.
  const by = of === '' ? 'action' : (of as (typeof BY)[number])
  const { data, error } = deputy.credits.spending.useQuery({ by })
  return (
    <>
      <Choice
        label="By"
        choices={BY}
        chosen={by}
        addressOf={(chosen) => addressOf('money', 'spending', chosen)}
      />
      {error && <Problem error={error} />}
      {!data && !error && <p className="waiting">Adding up…</p>}
      {data?.spending.length === 0 && <p>Nothing was spent in the last 30 days.</p>}
      {data && <SpendingTable report={data} by={by} />}
    </>
  )
}

function SpendingTable({ report, by }: { readonly report: SpendingReport; readonly by: string }) {
  const most = Math.max(...report.spending.flatMap(({ days }) => days.map(({ cost }) => cost)))
  return (
    <Table
      caption="The last 30 days, in UTC"
      rows={report.spending}
      keyOf={({ isOthers, name }) => `${isOthers} ${name}`}
      columns={[
        { title: by, show: nameOf },
        {
          title: 'Each day',
          show: ({ days }) => <DayBars from={report.from} to={report.to} days={days} most={most} />,
        },
        { title: 'Cost', isNumber: true, show: ({ cost }) => creditsOf(cost) },
        { title: 'Calls', isNumber: true, show: ({ calls }) => calls },
      ]}
    />
  )
}

function nameOf({ name, isOthers }: Spent): string {
  if (isOthers) return 'all others'
  return name ?? 'callers without a token'
}
