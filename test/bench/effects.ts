import type { BenchDatabase } from './database.ts'
import type { Upstream } from './upstream.ts'

/** What calls leave behind, counted. */
const STORED = ['events', 'attendees', 'places', 'audit', 'keys', 'charges'] as const
/** Those, and the calls that reached the provider. */
const EFFECTS = [...STORED, 'provider'] as const
type Effect = (typeof EFFECTS)[number]
export type Effects = Readonly<Record<Effect, number>>

const TABLES = `
  (select count(*) from events) as events,
  (select count(*) from attendees) as attendees,
  (select coalesce(sum(attendee_count), 0) from events) as places`

const COUNTS = {
  deputy: `select ${TABLES}, (select count(*) from deputy.audit_log where source = 'client') as audit,
    (select count(*) from deputy.idempotency_results where action not like 'job:%') as keys,
    (select count(*) from deputy.credit_entries where kind = 'settle' and cost > 0) as charges`,
  baseline: `select ${TABLES}, (select count(*) from audit_log) as audit,
    (select count(*) from idempotency_keys) as keys, 0 as charges`,
} as const

/** Counts all that the calls of a server have left in its database, and at the provider. */
export async function countEffects(
  { sql }: BenchDatabase,
  upstream: Upstream,
  kind: keyof typeof COUNTS,
): Promise<Effects> {
  const [row] = await sql.unsafe<Record<(typeof STORED)[number], string>[]>(COUNTS[kind])
  const count = (effect: (typeof STORED)[number]) => Number(row?.[effect])
  return {
    events: count('events'),
    attendees: count('attendees'),
    places: count('places'),
    audit: count('audit'),
    keys: count('keys'),
    charges: count('charges'),
    provider: await upstream.calls(),
  }
}

/** What is not as it should be after so many calls, each of which leaves the same; nothing that is not named may change. */
export function wrongEffects(
  before: Effects,
  after: Effects,
  perCall: Partial<Effects>,
  calls: number,
): string[] {
  return EFFECTS.flatMap((effect) => {
    const grown = after[effect] - before[effect]
    const expected = (perCall[effect] ?? 0) * calls
    return grown === expected ? [] : [`${effect} grew by ${grown} instead of ${expected}`]
  })
}
