import type { UsedBudget } from '../../../../server/ledger/budget-uses.ts'
import { Choice } from '../../shell/choice.tsx'
import { creditsOf } from '../../shell/credits.ts'
import { deputy } from '../../shell/deputy.ts'
import { More } from '../../shell/more.tsx'
import { pagesOf } from '../../shell/pages.ts'
import { addressOf } from '../../shell/route.ts'
import { Table } from '../../shell/table.tsx'

const KINDS: readonly UsedBudget['budget'][] = ['app', 'action', 'caller', 'anonymous']

/** How much of what others may spend of the owner's money was used today. */
export function Budgets({ of }: { readonly of: string }) {
  // The server says what is wrong with a kind that is none.
  const filter = of === '' ? {} : { budget: of as UsedBudget['budget'] }
  const listed = deputy.credits.budgets.useInfiniteQuery({ limit: 50, ...filter })
  const pages = pagesOf(listed, ({ budgets }) => budgets)
  return (
    <>
      <Choice
        label="Budgets of"
        choices={KINDS}
        chosen={of}
        all="all"
        addressOf={(chosen) => addressOf('money', 'budgets', ...(chosen === '' ? [] : [chosen]))}
      />
      <Table
        caption="Today, in UTC"
        rows={pages.entries ?? []}
        keyOf={({ budget, subject }) => `${budget} ${subject}`}
        columns={[
          {
            title: 'Budget',
            show: ({ budget, subject }) => (
              <>
                {subject === '' ? 'the app as a whole' : subject}
                <small>{budget}</small>
              </>
            ),
          },
          {
            title: 'Calls',
            show: ({ calls, maxCalls }) => <Used name="Calls" used={calls} most={maxCalls} say={String} />,
          },
          {
            title: 'Credits',
            show: ({ credits, maxCredits }) => (
              <Used name="Credits" used={credits} most={maxCredits} say={creditsOf} />
            ),
          },
        ]}
      />
      <More pages={pages} empty="No one has spent anything of the owner’s money today." />
    </>
  )
}

interface UsedProps {
  readonly name: string
  readonly used: number
  readonly most: number | null
  readonly say: (amount: number) => string
}

function Used({ name, used, most, say }: UsedProps) {
  if (most === null) return <>{say(used)}, without a limit</>
  return (
    <>
      {say(used)} of {say(most)} <meter aria-label={name} value={used} max={most} high={most * 0.8} />
    </>
  )
}
