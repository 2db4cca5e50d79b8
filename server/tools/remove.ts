import { sql } from 'drizzle-orm'
import type { MutateActionData } from '../core/record.ts'
import { type ActionResult, ok } from '../core/result.ts'
import { identifier, systemColumns } from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'
import { checkRecordId, notFound, Problems } from './problems.ts'
import { StatementCache } from './statement-cache.ts'
import type { WriteRuntime } from './tool-runtime.ts'

const deletions = new StatementCache((entry, { recordId }) => {
  const { recordId: id } = systemColumns(entry)
  return sql`delete from ${entry.table} where ${id} = ${recordId} returning ${identifier(id)}`
})

/** Deletes an existing record. */
export async function remove(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  recordId: string,
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  const answer = await runtime.run(deletions.of(entry, { recordId }))
  if (answer.rows.length === 0) return notFound(entry, recordId)
  runtime.wrote('remove', entry, recordId)
  return ok({ recordId })
}
