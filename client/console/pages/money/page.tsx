import type { ComponentType } from 'react'
import { Lists } from '../../shell/lists.tsx'
import { useViewer } from '../../shell/viewer.ts'
import { Accounts } from './accounts.tsx'
import { Budgets } from './budgets.tsx'
import { Spending } from './spending.tsx'

const LISTS: Readonly<
  Record<string, { readonly title: string; readonly List: ComponentType<{ readonly of: string }> }>
> = {
  spending: { title: 'Spending', List: Spending },
  budgets: { title: 'Budgets', List: Budgets },
  accounts: { title: 'Accounts', List: Accounts },
}

/** What is spent, and who has what: `#/money/spending/user`, `#/money/budgets`, `#/money/accounts/ada`. */
export function MoneyPage({ path: [name = 'spending', of = ''] }: { readonly path: readonly string[] }) {
  const { isOwner } = useViewer()
  const shown = LISTS[name]
  return (
    <>
      <h1>Money</h1>
      <Lists page="money" label="Kinds of accounts" lists={LISTS} shown={name} />
      {!isOwner && <p>Money is for the app’s owner alone: sign in with a token of theirs.</p>}
      {isOwner && shown && <shown.List of={of} />}
      {isOwner && !shown && <p>There is no such list: choose one above.</p>}
    </>
  )
}
