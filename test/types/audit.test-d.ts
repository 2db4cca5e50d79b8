// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import { createClient, unwrap } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'

export async function typedAudit() {
  const { audit } = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000', token: 'x' })

  await audit.list.query()
  await audit.list.query({
    actor: 'ada',
    collection: 'events',
    recordId: 'x',
    outcome: 'FORBIDDEN',
    limit: 200,
  })
  // @ts-expect-error: there is no such filter.
  await audit.list.query({ user: 'ada' })
  // @ts-expect-error: this is no outcome.
  await audit.list.query({ outcome: 'FINE' })
  // @ts-expect-error: typed clients send a Date, not its text.
  await audit.list.query({ from: '2026-01-01T00:00:00Z' })
  // @ts-expect-error: the log is read, never written.
  await audit.list.mutate({})

  const page = unwrap(await audit.list.query({}))
  page.nextCursor satisfies string | null
  for (const entry of page.entries) {
    entry.at satisfies Date
    entry.actor satisfies string | null
    entry.cost satisfies number | null
    entry.input satisfies string | null
    for (const [op, collection, recordId] of entry.writes) {
      op satisfies 'create' | 'update' | 'remove' | 'sql'
      collection satisfies string
      recordId satisfies string
    }
    // @ts-expect-error: this is no outcome.
    if (entry.outcome === 'FINE') return entry
    // @ts-expect-error: dates come back as Date.
    entry.at satisfies string
  }
  return undefined
}
