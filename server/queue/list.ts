import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { readColumn } from '../../drizzle/engine/column-types/describe-column.ts'
import { queue } from '../../drizzle/engine/system.ts'
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
export type OutboxEntry = z.output<typeof entrySchema>

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
  integrations: Pick<Integrations, 'inputSchema'>,
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
      columns: list,
      rows: sql`from ${queue} where ${conditions(filters.state, after)}`,
      at: sql`${queue.createdAt}`,
      id: sql`${queue.id}`,
      size: sql`octet_length(${queue.data}::text)`,
      limit,
    }),
  )
  const messages = rows.map(readEntry).map((entry) => withoutSecrets(integrations, entry))
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

/** Removes what the endpoint marks as secret, such as a sign-in link: only the provider may see it. */
function withoutSecrets(integrations: Pick<Integrations, 'inputSchema'>, entry: OutboxEntry): OutboxEntry {
  const schema = integrations.inputSchema(entry.endpoint)
  // What is left is a part of JSON.
  return schema ? { ...entry, data: redact(schema, entry.data) as JsonValue } : entry
}

/** @throws {z.ZodError} when the engine has not written it. */
function readEntry(row: readonly unknown[]): OutboxEntry {
  return entrySchema.parse(
    Object.fromEntries(
      Object.entries(COLUMNS).map(([name, column], index) => [name, readColumn(column, row[index])]),
    ),
  )
}
