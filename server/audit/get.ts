import { getTableColumns, sql } from 'drizzle-orm'
import { z } from 'zod'
import { readColumn } from '../../drizzle/engine/column-types/describe-column.ts'
import { auditDetail, auditLog, creditEntries, queue } from '../../drizzle/engine/system.ts'
import { type ActionResult, fail, ok } from '../core/result.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import { type CallLog, type PerformedOnce, readCallLog, readOnces } from './call-notes.ts'
import { type AuditEntry, auditColumns, readAuditEntry } from './entry.ts'

/** So many outside calls of one call are told. */
const MAX_STEPS = 200

const { endpoint, outcome, status, payer, cost, durationMs, at } = getTableColumns(creditEntries)
const STEP_COLUMNS = { endpoint, outcome, status, payer, cost, durationMs, at }
const stepSchema = z.object({
  /** `integration/endpoint` */
  endpoint: z.string(),
  /** `answered`, `nothing` (it surely did nothing) or `unknown`. */
  outcome: z.enum(['answered', 'nothing', 'unknown']).nullable(),
  /** The HTTP status of the newest answer; null where none came. */
  status: z.number().nullable(),
  payer: z.enum(['owner', 'caller']).nullable(),
  /** Micro-credits. */
  cost: z.number(),
  /** As far as it is known. */
  durationMs: z.number().nullable(),
  at: z.date(),
})

/** An outside call that is over, as it was settled. */
export type AuditStep = z.output<typeof stepSchema>

/** A call, with what it came from and what it did outside. */
export interface AuditedCall {
  readonly entry: AuditEntry
  /** In their order, messages that were sent later among them: at most 200. */
  readonly steps: readonly AuditStep[]
  /** The `once` steps that it performed; null where the one who reads may not see them. */
  readonly once: readonly PerformedOnce[] | null
  /** What it wrote to the log; null where the one who reads may not see it. */
  readonly log: CallLog | null
  /** The job that it was a run of; its schedule where it has one, and is still known. Null for other calls. */
  readonly job: { readonly id: string; readonly schedule: string | null } | null
}

/** Gets an entry of the audit log, and what belongs to it. Does not check whether the caller may read it. */
export async function getAudited(
  runtime: Pick<ReadRuntime, 'execute'>,
  id: string,
): Promise<ActionResult<AuditedCall>> {
  const found =
    await runtime.execute(sql`select ${auditDetail.log}, ${auditDetail.once}, ${auditColumns()} from ${auditLog}
    left join ${auditDetail} on ${auditDetail.id} = ${auditLog.id} where ${auditLog.id} = ${id}::text`)
  const [row] = found.rows
  if (!row)
    return fail('NOT_FOUND', `There is no entry ${JSON.stringify(id)} in the audit log; old ones are pruned.`)
  const [log, once, ...columnsOfEntry] = row
  const entry = readAuditEntry(columnsOfEntry)
  const { invocation, kind, seq } = creditEntries
  const columns = sql.join(Object.values(STEP_COLUMNS), sql`, `)
  const steps = await runtime.execute(sql`select ${columns} from ${creditEntries}
    where ${invocation} = ${id}::text and ${kind} in ('settle', 'refund')
    order by ${seq} limit ${MAX_STEPS}::int`)
  return ok({
    entry,
    steps: steps.rows.map(readStep),
    once: readOnces(once),
    log: readCallLog(log),
    job: await jobOf(runtime, entry),
  })
}

/** The request of a run of a job is named by the job. */
async function jobOf(
  runtime: Pick<ReadRuntime, 'execute'>,
  { source, requestId }: AuditEntry,
): Promise<AuditedCall['job']> {
  if (source !== 'later' && source !== 'schedule') return null
  const { rows } = await runtime.execute(
    sql`select ${queue.series} from ${queue} where ${queue.id} = ${requestId}::text`,
  )
  const schedule = rows[0]?.[0]
  return { id: requestId, schedule: typeof schedule === 'string' ? schedule : null }
}

function readStep(row: readonly unknown[]): AuditStep {
  return stepSchema.parse(
    Object.fromEntries(
      Object.entries(STEP_COLUMNS).map(([name, column], index) => [name, readColumn(column, row[index])]),
    ),
  )
}
