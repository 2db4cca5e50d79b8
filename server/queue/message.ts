import type { JsonValue } from '../core/result.ts'
import type { Parameters } from '../db/statement.ts'
import type { Charge } from '../tools/tool-runtime.ts'

/** A message that an action has queued, sent after it has committed. */
export interface Message {
  /** The id of its side effect, the same in every attempt. */
  readonly id: string
  /** `integration/endpoint` */
  readonly endpoint: string
  readonly data: JsonValue
  readonly charge: Charge
}

/** The call that queued a message. */
export interface MessageOrigin {
  /** The user who called; null for one without a token. */
  readonly caller: string | null
  readonly action: string
  readonly invocation: string
}

/** A message that waits in the outbox. */
export interface QueuedMessage extends MessageOrigin {
  readonly id: string
  readonly endpoint: string
  readonly data: JsonValue
  readonly payer: 'owner' | 'caller'
}

/** Writes the part of an action's last statement that queues its messages. */
export function queueMessages(
  parameters: Parameters,
  { caller, action, invocation }: MessageOrigin,
  messages: readonly Message[],
): string {
  const rows = messages.map(({ id, endpoint, data, charge }) => ({
    id,
    endpoint,
    data: JSON.stringify(data),
    payer: charge.payer,
  }))
  return `insert into deputy.outbox (id, endpoint, data, payer, caller, action, invocation)
    select id, endpoint, data, payer, ${parameters.bind(caller)}, ${parameters.bind(action)}, ${parameters.bind(invocation)}
    from jsonb_to_recordset(${parameters.bind(JSON.stringify(rows))}::jsonb)
      as it(id text, endpoint text, data text, payer text)`
}
