import { sql } from 'drizzle-orm'
import { type ActionResult, ok } from '../result.ts'
import type { CatalogEntry } from './catalog.ts'
import { bindTo, systemColumns } from './data.ts'
import { toEnvelope } from './envelope.ts'
import { notFound } from './not-found.ts'
import { Problems } from './problems.ts'
import { checkRecordId } from './record-id.ts'
import type { ToolScope } from './scope.ts'
import type { Envelope } from './types.ts'

/** Reads one record. */
export async function get(
  scope: ToolScope,
  entry: CatalogEntry,
  recordId: string,
): Promise<ActionResult<{ record: Envelope }>> {
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  const { recordId: id } = systemColumns(entry)
  const answer = await scope.execute(
    sql`select ${entry.selectList} from ${entry.table} where ${id} = ${bindTo(id, recordId)}`,
  )
  const [row] = answer.rows
  return row ? ok({ record: toEnvelope(entry, row) }) : notFound(entry, recordId)
}
