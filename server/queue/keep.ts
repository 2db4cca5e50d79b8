import type { Database } from '../db/database.ts'
import { Parameters } from '../db/parameters.ts'
import { closeHold } from '../ledger/close.ts'
import type { MessageOutcome } from './outcome.ts'

/** More than anything can cost: what was set aside is charged in full. */
const ALL = 9_000_000_000_000_000

// What was charged before, since nobody knew whether it had arrived, is not charged again.
const MARK_SENT = `
  with ours as materialized (select id from deputy.outbox where id = $1 and token = $2 for update),
  held as (
    update deputy.credit_holds set state = 'sent', holder = $2 where effect in (select id from ours) returning 1)
  select (select count(*) from ours), (select count(*) from held),
    exists (select 1 from deputy.credit_entries where effect = $1 and kind = 'settle')`

/**
 * Notes that a message is about to leave, before it does. It leaves only if it is `paid` for; `lost` is one that
 * another server has taken over.
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

export interface KeptOutcome {
  readonly id: string
  readonly token: string
  readonly outcome: MessageOutcome
  readonly durationMs: number | undefined
}

/**
 * Keeps what came of an attempt: the message goes when it has arrived, and what was set aside for it is settled.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function keepOutcome(database: Database, kept: KeptOutcome): Promise<void> {
  const parameters = new Parameters()
  const ours = `ours as materialized (select id from deputy.outbox
    where id = ${parameters.bind(kept.id)} and token = ${parameters.bind(kept.token)} for update)`
  const parts = [ours, ...outcomeParts(parameters, kept)]
  await database.write({ sql: `with ${parts.join(', ')} select 1`, params: parameters.values })
}

function outcomeParts(parameters: Parameters, { outcome, durationMs }: KeptOutcome): string[] {
  const isOurs = 'effect in (select id from ours)'
  if (outcome.kind === 'arrived') {
    const { cost } = outcome
    return [
      closeHold(parameters, isOurs, { outcome: 'answered', cost, durationMs }),
      'gone as (delete from deputy.outbox where id in (select id from ours))',
    ]
  }
  const reason = `token = null, last_error = ${parameters.bind(outcome.error)},
    is_unknown = ${parameters.bind(outcome.isUnknown, 'boolean')}`
  const set = (assignments: string) =>
    `update deputy.outbox set ${reason}, ${assignments} where id in (select id from ours)`
  if (outcome.kind === 'dead') {
    const ending = closeHold(parameters, isOurs, { ...endingOf(outcome.isUnknown), durationMs })
    return [ending, `dead as (${set("state = 'dead'")})`]
  }
  const delay = parameters.bind(Math.ceil(outcome.delayMs), 'int')
  return [
    // What is `sent` from now on is an attempt that nobody has told of.
    `waits as (update deputy.credit_holds set state = 'reserved' where ${isOurs})`,
    `later as (${set(`due_at = now() + ${delay} * interval '1 millisecond'`)})`,
  ]
}

/** What is given up is charged if it may have arrived. */
function endingOf(isUnknown: boolean) {
  return isUnknown ? ({ outcome: 'unknown', cost: ALL } as const) : ({ outcome: 'nothing', cost: 0 } as const)
}
