import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { readColumn } from '../../drizzle/engine/column-types/describe-column.ts'
import { creditEntries, creditHolds, queue } from '../../drizzle/engine/system.ts'
import { type ActionResult, type JsonValue, ok } from '../core/result.ts'
import type { Integrations } from '../integrations/integrations.ts'
import { boundedList } from '../tools/bounded-list.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import {
  decodeInstantCursor,
  encodeInstantCursor,
  foreignCursor,
  type InstantPosition,
} from '../wire/cursor.ts'
import { pageFields } from '../wire/page-input.ts'
import { redact } from '../wire/redact.ts'
import { planMessage } from './plan-message.ts'

const MAX_LIMIT = 200
const DEFAULT_LIMIT = 50

const MESSAGES = sql`${queue.kind} = 'message'`

const { id, state, lane, data, payer, caller, action, invocation, createdAt } = queue
const { attempts, dueAt, lastError, isUnknown } = queue
const COLUMNS = {
  id,
  state,
  endpoint: lane,
  data,
  payer,
  caller,
  action,
  invocation,
  createdAt,
  attempts,
  dueAt,
  lastError,
  isUnknown,
}

const entrySchema = z.object({
  /** The message's key, the same in every attempt at it. */
  id: z.string(),
  /** `dead`: it was given up, and waits for the owner. */
  state: z.enum(['queued', 'dead']),
  endpoint: z.string(),
  data: z.string().transform((text): JsonValue => JSON.parse(text)),
  payer: z.enum(['owner', 'caller']),
  /** The user whose call queued it; null for one without a token. */
  caller: z.string().nullable(),
  action: z.string(),
  invocation: z.string(),
  createdAt: z.date(),
  attempts: z.number(),
  /** When it is sent next; while it is being sent, when another server may take it over. */
  dueAt: z.date(),
  /** Why it has not arrived; null before the first attempt. */
  lastError: z.string().nullable(),
  /** Whether it may have arrived in spite of the error. */
  isUnknown: z.boolean(),
})

/** A message that has not arrived, as the owner sees it. */
export interface OutboxEntry extends z.output<typeof entrySchema> {
  /**
   * The most that sending it would still cost, in whole micro-credits: what is reserved for it, and of one that was given
   * up what a retry would reserve. Null where a proxy bills by itself, and where it cannot be sent as it is.
   */
  readonly maxCost: number | null
}

/** What is reserved for a message, and whether it was charged already. */
const PAID = sql`
  (select ${creditHolds.amount} from ${creditHolds} where ${creditHolds.effect} = ${id}) as _reserved,
  (${state} = 'dead' and exists (select 1 from ${creditEntries}
    where ${creditEntries.effect} = ${id} and ${creditEntries.kind} = 'settle')) as _is_charged`

export const outboxListSchema = z.strictObject({
  state: z.enum(['queued', 'dead'], 'must be queued or dead').optional(),
  ...pageFields(MAX_LIMIT),
})

export interface OutboxPage {
  /** Newest first. */
  readonly messages: readonly OutboxEntry[]
  /** Of the next page; null on the last one. */
  readonly nextCursor: string | null
}

/** Lists messages, newest first, a page at a time. Does not check whether the caller may read them. */
export async function listMessages(
  runtime: Pick<ReadRuntime, 'execute'>,
  integrations: Pick<Integrations, 'inputSchema' | 'plan'>,
  { limit = DEFAULT_LIMIT, cursor, direction: _direction, ...filters }: z.output<typeof outboxListSchema>,
): Promise<ActionResult<OutboxPage>> {
  const cursorScope = { list: 'outbox', filters }
  const after = typeof cursor === 'string' ? decodeInstantCursor(cursorScope, cursor) : undefined
  if (typeof cursor === 'string' && !after) return foreignCursor('list', 'with the same state')
  const list = sql.join(
    Object.values(COLUMNS).map((column) => sql`${column}`),
    sql`, `,
  )
  const { rows } = await runtime.execute(
    boundedList({
      columns: sql`${list}, ${PAID}`,
      rows: sql`from ${queue} where ${conditions(filters.state, after)}`,
      at: sql`${queue.createdAt}`,
      id: sql`${queue.id}`,
      size: sql`octet_length(${queue.data}::text)`,
      limit,
    }),
  )
  const messages = rows.map((row) => readEntry(integrations, row))
  const last = messages.at(-1)
  const more = last && rows.at(-1)?.at(-1) === true
  return ok({
    messages,
    nextCursor: more ? encodeInstantCursor(cursorScope, { at: last.createdAt, id: last.id }) : null,
  })
}

function conditions(state: string | undefined, after: InstantPosition | undefined): SQL {
  const isState = state === undefined ? MESSAGES : sql`${MESSAGES} and ${queue.state} = ${state}`
  if (!after) return isState
  const { at, id } = after
  return sql`${isState} and (${queue.createdAt}, ${queue.id}) < (${at.toISOString()}::timestamptz, ${id}::text)`
}

/** @throws {z.ZodError} when the engine has not written it. */
function readEntry(
  integrations: Pick<Integrations, 'inputSchema' | 'plan'>,
  row: readonly unknown[],
): OutboxEntry {
  const columns = Object.entries(COLUMNS)
  const entry = entrySchema.parse(
    Object.fromEntries(columns.map(([name, column], index) => [name, readColumn(column, row[index])])),
  )
  const [reserved, isCharged] = row.slice(columns.length)
  const schema = integrations.inputSchema(entry.endpoint)
  return {
    ...entry,
    // What the endpoint marks as secret, such as a sign-in link, only the provider may see. What is left is a part of JSON.
    data: schema ? (redact(schema, entry.data) as JsonValue) : entry.data,
    maxCost: maxCostOf(integrations, entry, { reserved, isCharged: isCharged === true }),
  }
}

function maxCostOf(
  integrations: Pick<Integrations, 'plan'>,
  message: z.output<typeof entrySchema>,
  { reserved, isCharged }: { readonly reserved: unknown; readonly isCharged: boolean },
): number | null {
  const plan = planMessage(integrations, message)
  if (!plan.success || plan.data.transport === 'proxy') return null
  if (isCharged) return 0
  return typeof reserved === 'string' || typeof reserved === 'number' ? Number(reserved) : plan.data.reserve
}
