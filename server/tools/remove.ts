import { sql } from 'drizzle-orm'
import { type ActionResult, ok } from '../core/result.ts'
import { identifier, systemColumns } from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'
import { notFound } from './not-found.ts'
import { Problems } from './problems.ts'
import { checkRecordId } from './record-id.ts'
import type { ToolScope } from './scope.ts'
import { StatementCache } from './statement-cache.ts'
import type { MutateActionData } from './types.ts'

const deletions = new StatementCache((entry, { recordId }) => {
  const { recordId: id } = systemColumns(entry)
  return sql`delete from ${entry.table} where ${id} = ${recordId} returning ${identifier(id)}`
})

/** Deletes an existing record. */
export async function remove(
  scope: ToolScope,
  entry: CatalogEntry,
  recordId: string,
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  const answer = await scope.run(deletions.of(entry, { recordId }))
  if (answer.rows.length === 0) return notFound(entry, recordId)
  scope.wrote('remove', entry, recordId)
  return ok({ recordId })
}
