// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import { createClient, unwrap } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'

export async function typedCredits() {
  const { credits } = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000', token: 'x' })

  const balance = unwrap(await credits.balance.query())
  balance.account satisfies string
  balance.available satisfies number
  balance.reserved satisfies number
  balance.unmetered satisfies true | undefined
  await credits.balance.query({ account: 'ada' })
  // @ts-expect-error: there is no such filter.
  await credits.balance.query({ user: 'ada' })

  const granted = unwrap(await credits.grant.mutate({ account: 'ada', amount: 1_000_000 }))
  granted.granted satisfies number
  // @ts-expect-error: whether it was made before is told by a header.
  granted.isReplay satisfies boolean
  // @ts-expect-error: a grant says to whom.
  await credits.grant.mutate({ amount: 1_000_000 })
  // @ts-expect-error: amounts are numbers.
  await credits.grant.mutate({ account: 'ada', amount: 1_000_000n })
  // @ts-expect-error: a grant is no query.
  await credits.grant.query({ account: 'ada', amount: 1 })

  const page = unwrap(await credits.statement.query({ account: 'ada', limit: 200 }))
  page.nextCursor satisfies string | null
  for (const entry of page.entries) {
    entry.at satisfies Date
    entry.kind satisfies 'grant' | 'reserve' | 'settle' | 'refund'
    entry.availableDelta satisfies number
    entry.outcome satisfies 'answered' | 'nothing' | 'unknown' | null
    entry.payer satisfies 'owner' | 'caller' | null
    // @ts-expect-error: this is no kind.
    if (entry.kind === 'gift') return entry
    // @ts-expect-error: an entry never changes.
    entry.cost.value = 1
  }
  return undefined
}
