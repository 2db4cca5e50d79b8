import { sql } from 'drizzle-orm'
import { type ActionResult, ok } from '../result.ts'
import { bindTo, systemColumns } from './data.ts'
import { notFound } from './not-found.ts'
import { Problems } from './problems.ts'
import type { Reach } from './reach.ts'
import { checkRecordId } from './record-id.ts'
import type { ReadScope } from './scope.ts'
import type { Envelope } from './types.ts'

/** Reads one record. */
export async function get(
  scope: ReadScope,
  { entry, within }: Reach,
  recordId: string,
): Promise<ActionResult<{ record: Envelope }>> {
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  const { recordId: id } = systemColumns(entry)
  const answer = await scope.execute(
    sql`select ${entry.selectList} from ${entry.table} where ${id} = ${bindTo(id, recordId)} and ${within}`,
  )
  const [row] = answer.rows
  return row ? ok({ record: entry.toEnvelope(row) }) : notFound(entry, recordId)
}
