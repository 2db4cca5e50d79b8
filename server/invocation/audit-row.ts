import { Batches } from '../db/batches.ts'
import type { Database, Statement } from '../db/database.ts'
import { writeTogether } from '../db/pool.ts'
import { Semaphore } from '../db/semaphore.ts'
import { Parameters } from '../db/statement.ts'
import type { Message } from '../queue/work.ts'
import { redact } from '../wire/redact.ts'
import { stringify } from '../wire/to-json.ts'
import type { RecordedCall } from './invocation-record.ts'
import type { Write } from './writes.ts'

const MAX_WRITES = 100
const MAX_INPUT_CHARACTERS = 4_000

/** Whether a call gets an audit row. */
export function isWorthAuditing(
  { invocation, record }: RecordedCall,
  outcome: string,
  writes: readonly Write[],
): boolean {
  const hasLeftTraces = writes.length > 0 || record.payers.size > 0
  // Callers without a token could fill the table; the log has their calls. A budget limits what they spend.
  const isKnown = invocation.userId !== null || invocation.source !== 'client'
  return hasLeftTraces || (isKnown && (outcome !== 'OK' || invocation.isAudited))
}

/** What is written together with an audit row. */
export interface AuditBeside {
  /** The messages that the call has queued, whose payers are named. @default none */
  readonly messages?: readonly Message[]
  /** More parts of the statement. @default none */
  readonly beside?: (parameters: Parameters) => readonly string[]
}

/**
 * Writes the statement that inserts an invocation's audit row, with a second row for what is personal. The parts in
 * `beside` succeed or fail with it.
 */
export function auditStatement(
  { invocation, record }: RecordedCall,
  outcome: string,
  writes: readonly Write[],
  { messages = [], beside = () => [] }: AuditBeside = {},
): Statement {
  // Words without anything that an array's text would have to quote.
  const payers = new Set([...record.payers, ...messages.map(({ charge }) => charge.payer)])
  // In the order of the placeholders of INSERTS.
  const parameters = new Parameters([
    invocation.id,
    record.startedAt.toISOString(),
    invocation.userId,
    invocation.requestId,
    invocation.transport,
    invocation.action,
    outcome,
    record.attempts,
    Math.round(invocation.elapsedMs),
    record.inputHash ?? null,
    JSON.stringify(writes.slice(0, MAX_WRITES).map(toJson)),
    writes.length,
    `{${[...payers].sort().join(',')}}`,
    record.cost ?? null,
    inputText(record),
    invocation.ip ?? null,
    invocation.source,
    invocation.actedBy,
    record.logText,
    record.onceText,
  ])
  const kept = beside(parameters).map((sql, position) => `kept_${position} as (${sql}), `)
  return { sql: kept.length === 0 ? ALONE : `with ${kept.join('')}${INSERTS}`, params: parameters.values }
}

/** The inserts as constant text: most calls have no other parts. */
const INSERTS = `detail as (
      insert into deputy.audit_detail (id, at, actor, input, ip, log, once)
      values ($1::text, $2::timestamptz, $3::text, $15::text, $16::text, $19::text, $20::text) on conflict do nothing)
    insert into deputy.audit_log (id, at, actor, request_id, transport, action, outcome, attempts, duration_ms, input_hash,
      writes, write_count, payers, cost, source, acted_by)
    values ($1, $2, $3, $4::text, $5::text, $6::text, $7::text, $8::int, $9::int, $10::text,
      $11::jsonb, $12::int, $13::text[], $14::bigint, $17::text, $18::text) on conflict do nothing`
const ALONE = `with ${INSERTS}`

function toJson([op, collection, recordId]: Write) {
  return { op, collection, recordId }
}

/** Formats the input without secrets, cut to a limit; null for an input that was not valid. */
function inputText({ input }: RecordedCall['record']): string | null {
  if (!input) return null
  const shown = input.schema ? redact(input.schema, input.value) : input.value
  const text = stringify(shown)
  if (text === undefined) return null
  return text.length > MAX_INPUT_CHARACTERS ? `${text.slice(0, MAX_INPUT_CHARACTERS)}…` : text
}

/** Writes audit rows of calls without other writes at their end: calls that end at the same time share a commit. */
export type AuditRows = Batches<Statement, 'kept'>

/** Creates the writer of audit rows. A row is written once, however often it is tried. */
export function createAuditRows(database: Database): AuditRows {
  const alone = async (row: Statement) => {
    await database.write(row)
    return 'kept' as const
  }
  return new Batches<Statement, 'kept'>({
    turns: new Semaphore(1),
    async together(rows) {
      await writeTogether(await database.acquire(), rows)
      return rows.map(() => 'kept')
    },
    alone,
  })
}
