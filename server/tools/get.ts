import { sql } from 'drizzle-orm'
import type { RecordEnvelope } from '../core/record.ts'
import { type ActionResult, ok } from '../core/result.ts'
import { systemColumns } from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'
import { checkRecordId, notFound, Problems } from './problems.ts'
import { StatementCache } from './statement-cache.ts'
import type { ReadRuntime } from './tool-runtime.ts'

const selections = new StatementCache(
  (entry, { recordId }) =>
    sql`select ${entry.selectList} from ${entry.table} where ${systemColumns(entry).recordId} = ${recordId}`,
)

/** Reads one record, by the app's own authority. */
export async function getAsApp(
  runtime: ReadRuntime,
  entry: CatalogEntry,
  recordId: string,
): Promise<ActionResult<{ record: RecordEnvelope }>> {
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  const answer = await runtime.run(selections.of(entry, { recordId }))
  const [row] = answer.rows
  return row ? ok({ record: entry.toEnvelope(row) }) : notFound(entry, recordId)
}
