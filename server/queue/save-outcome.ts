import type { Database } from '../db/database.ts'
import { Parameters } from '../db/statement.ts'
import { settleReservation } from '../ledger/settle.ts'
import type { MessageOutcome } from './outcome.ts'

/** More than anything can cost: the reservation is charged in full. */
const ALL = 9_000_000_000_000_000

// A message that was charged before, because it may have arrived, is not charged again.
const MARK_SENT = `
  with ours as materialized (select id from deputy.outbox where id = $1 and token = $2 for update),
  held as (
    update deputy.credit_holds set state = 'sent', holder = $2 where effect in (select id from ours) returning 1)
  select (select count(*) from ours), (select count(*) from held),
    exists (select 1 from deputy.credit_entries where effect = $1 and kind = 'settle')`

/**
 * Marks a message as sent, right before it is. Send it only when this says `paid`; `lost` means that another server has
 * taken it over.
 */
export async function markSent(
  database: Database,
  id: string,
  token: string,
): Promise<'paid' | 'unpaid' | 'lost'> {
  const { rows } = await database.write({ sql: MARK_SENT, params: [id, token] })
  const [ours, held, isCharged] = rows[0] ?? []
  if (Number(ours) === 0) return 'lost'
  return Number(held) === 1 || isCharged === true ? 'paid' : 'unpaid'
}

export interface SavedOutcome {
  readonly id: string
  readonly token: string
  readonly outcome: MessageOutcome
  readonly durationMs: number | undefined
}

/**
 * Saves the outcome of an attempt. A message that has arrived is deleted, and its reservation settled.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function saveOutcome(database: Database, saved: SavedOutcome): Promise<void> {
  const parameters = new Parameters()
  const ours = `ours as materialized (select id from deputy.outbox
    where id = ${parameters.bind(saved.id)} and token = ${parameters.bind(saved.token)} for update)`
  const parts = [ours, ...outcomeParts(parameters, saved)]
  await database.write({ sql: `with ${parts.join(', ')} select 1`, params: parameters.values })
}

function outcomeParts(parameters: Parameters, { outcome, durationMs }: SavedOutcome): string[] {
  const isOurs = 'effect in (select id from ours)'
  if (outcome.kind === 'arrived') {
    const { cost } = outcome
    return [
      settleReservation(parameters, isOurs, { outcome: 'answered', cost, durationMs }),
      'gone as (delete from deputy.outbox where id in (select id from ours))',
    ]
  }
  const reason = `token = null, last_error = ${parameters.bind(outcome.error)},
    is_unknown = ${parameters.bind(outcome.isUnknown, 'boolean')}`
  const set = (assignments: string) =>
    `update deputy.outbox set ${reason}, ${assignments} where id in (select id from ours)`
  if (outcome.kind === 'dead') {
    const ending = settleReservation(parameters, isOurs, { ...endingOf(outcome.isUnknown), durationMs })
    return [ending, `dead as (${set("state = 'dead'")})`]
  }
  const delay = parameters.bind(Math.ceil(outcome.delayMs), 'int')
  return [
    // A reservation that is `sent` belongs to an attempt without an outcome; this one has its outcome.
    `waits as (update deputy.credit_holds set state = 'reserved' where ${isOurs})`,
    `later as (${set(`due_at = now() + ${delay} * interval '1 millisecond'`)})`,
  ]
}

/** A dead message is charged if it may have arrived. */
function endingOf(isUnknown: boolean) {
  return isUnknown ? ({ outcome: 'unknown', cost: ALL } as const) : ({ outcome: 'nothing', cost: 0 } as const)
}
