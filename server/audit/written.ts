import { sql } from 'drizzle-orm'
import { auditLog } from '../../drizzle/engine/system.ts'
import { type ActionResult, ok } from '../core/result.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'

/** How many entries are looked at, the newest first. */
const MAX_ENTRIES = 50_000
/** Of each entry: as many as it lists. */
const MAX_GROUPS = 5_000

/** What one action has written of one collection. */
export interface WrittenByAction {
  readonly action: string
  readonly operation: 'create' | 'update' | 'remove' | 'sql'
  /** `*` for SQL of the app's own. */
  readonly collection: string
  /** How many records, as far as the entries list them: of each call at most 100. */
  readonly records: number
}

/** What actions have written in some time. */
export interface WrittenInTime {
  readonly from: Date
  readonly to: Date
  /** Whether that is all of the time: false where there were too many calls to look at, and only the newest were. */
  readonly isComplete: boolean
  /** By action, collection and operation. */
  readonly writes: readonly WrittenByAction[]
}

const OPERATIONS = ['create', 'update', 'remove', 'sql'] as const

/** Says what each action has written, by the audit. Does not check whether the caller may read it. */
export async function queryWritten(
  runtime: Pick<ReadRuntime, 'execute'>,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<ActionResult<WrittenInTime>> {
  const { at, id, action, writes, writeCount, outcome } = auditLog
  const { rows } = await runtime.execute(
    sql`with looked as materialized (
        select ${action} as action, ${writes} as writes from ${auditLog}
        where ${at} >= ${from.toISOString()}::timestamptz and ${at} < ${to.toISOString()}::timestamptz
          and ${outcome} = 'OK' and ${writeCount} > 0
        order by ${at} desc, ${id} desc limit ${MAX_ENTRIES + 1})
      select action, each ->> 'collection', each ->> 'op', count(*)::float8,
        (select count(*) from looked)::float8
      from (select * from looked limit ${MAX_ENTRIES}) as it cross join lateral jsonb_array_elements(it.writes) as each
      group by 1, 2, 3 order by 1, 2, 3 limit ${MAX_GROUPS + 1}`,
  )
  const looked = Number(rows[0]?.[4] ?? 0)
  return ok({
    from,
    to,
    isComplete: looked <= MAX_ENTRIES && rows.length <= MAX_GROUPS,
    writes: rows.slice(0, MAX_GROUPS).flatMap(readRow),
  })
}

function readRow([action, collection, op, records]: readonly unknown[]): WrittenByAction[] {
  const operation = OPERATIONS.find((each) => each === op)
  return operation
    ? [{ action: String(action), operation, collection: String(collection), records: Number(records) }]
    : []
}
