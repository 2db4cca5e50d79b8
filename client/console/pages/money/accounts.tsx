import { creditsOf } from '../../shell/credits.ts'
import { More } from '../../shell/more.tsx'
import { usePages } from '../../shell/read.ts'
import { addressOf } from '../../shell/route.ts'
import { Table } from '../../shell/table.tsx'
import { GrantForm } from './grant-form.tsx'
import { Statement } from './statement.tsx'

interface Balance {
  readonly account: string
  readonly available: number
  readonly reserved: number
}

/** What all accounts have, or one of them with its statement; and a form that grants. */
export function Accounts({ of }: { readonly of: string }) {
  return (
    <>
      <GrantForm key={of} account={of} />
      {of === '' ? <Balances /> : <Statement account={of} />}
    </>
  )
}

function Balances() {
  const pages = usePages<'balances', Balance>('balances', '/api/credits/balances?limit=50')
  return (
    <>
      <Table
        rows={pages.entries ?? []}
        keyOf={({ account }) => account}
        columns={[
          {
            title: 'Account',
            show: ({ account }) => <a href={addressOf('money', 'accounts', account)}>{account}</a>,
          },
          { title: 'Available', isNumber: true, show: ({ available }) => creditsOf(available) },
          { title: 'Reserved', isNumber: true, show: ({ reserved }) => creditsOf(reserved) },
        ]}
      />
      <More pages={pages} empty="No account was granted anything yet." />
    </>
  )
}
