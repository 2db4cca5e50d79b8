import { creditsOf } from '../../shell/credits.ts'
import { deputy } from '../../shell/deputy.ts'
import { More } from '../../shell/more.tsx'
import { pagesOf } from '../../shell/pages.ts'
import { addressOf } from '../../shell/route.ts'
import { Table } from '../../shell/table.tsx'
import { GrantForm } from './grant-form.tsx'
import { Statement } from './statement.tsx'

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
  const pages = pagesOf(deputy.credits.balances.useInfiniteQuery({ limit: 50 }), ({ balances }) => balances)
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
