import type { Database } from '../db/database.ts'
import { Parameters } from '../db/parameters.ts'
import { closeHold } from '../ledger/close.ts'
import type { MessageOutcome } from './outcome.ts'

/** More than anything can cost: what was set aside is charged in full. */
const ALL = 9_000_000_000_000_000

// What was charged before, since nobody knew whether it had arrived, is not charged again.
const MARK_SENT = `
  with ours as materialized (select id from outbox where id = $1 and token = $2 for update),
  held as (
    update credit_holds set state = 'sent', holder = $2 where effect in (select id from ours) returning 1)
  select (select count(*) from held), exists (select 1 from credit_entries where effect = $1 and kind = 'settle')`

/** Notes that a message is about to leave. @returns whether it is paid for, without which it must not. */
export async function markSent(database: Database, id: string, token: string): Promise<boolean> {
  const { rows } = await database.write({ sql: MARK_SENT, params: [id, token] })
  const [held, isCharged] = rows[0] ?? []
  return Number(held) === 1 || isCharged === true
}

export interface KeptOutcome {
  readonly id: string
  readonly token: string
  readonly outcome: MessageOutcome
  readonly durationMs: number | undefined
}

/** Keeps what came of an attempt: the message goes when it has arrived, and what was set aside for it is settled. */
export async function keepOutcome(database: Database, kept: KeptOutcome): Promise<void> {
  const { outcome, durationMs } = kept
  const parameters = new Parameters()
  const ours = `ours as materialized (select id from outbox
    where id = ${parameters.bind(kept.id)} and token = ${parameters.bind(kept.token)} for update)`
  const isOurs = 'effect in (select id from ours)'
  const set = (assignments: string) =>
    `update outbox set token = null, ${assignments} where id in (select id from ours)`
  const parts = [ours]
  if (outcome.kind === 'arrived') {
    const { cost } = outcome
    parts.push(closeHold(parameters, isOurs, { outcome: 'answered', cost, durationMs }))
    parts.push('gone as (delete from outbox where id in (select id from ours))')
  } else {
    const error = parameters.bind(outcome.error)
    const isUnknown = parameters.bind(outcome.isUnknown, 'boolean')
    const reason = `last_error = ${error}, is_unknown = ${isUnknown}`
    if (outcome.kind === 'later') {
      const delay = parameters.bind(Math.ceil(outcome.delayMs), 'int')
      parts.push(`later as (${set(`${reason}, due_at = now() + ${delay} * interval '1 millisecond'`)})`)
    } else {
      parts.push(closeHold(parameters, isOurs, { ...endingOf(outcome.isUnknown), durationMs }))
      parts.push(`dead as (${set(`${reason}, state = 'dead'`)})`)
    }
  }
  await database.write({ sql: `with ${parts.join(', ')} select 1`, params: parameters.values })
}

/** What is given up is charged if it may have arrived. */
export function endingOf(isUnknown: boolean) {
  return isUnknown ? ({ outcome: 'unknown', cost: ALL } as const) : ({ outcome: 'nothing', cost: 0 } as const)
}
