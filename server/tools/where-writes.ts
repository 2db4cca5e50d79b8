import { type SQL, sql } from 'drizzle-orm'
import { type ActionResult, ok } from '../result.ts'
import type { CatalogEntry } from './catalog.ts'
import { assignments, checkData, identifier, setClause, systemColumns } from './data.ts'
import { Problems } from './problems.ts'
import type { ToolScope } from './scope.ts'
import { compileWhere } from './where.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 10_000

/** Patches at most `limit` matching records; repeat until below the limit. */
export async function updateWhere(
  scope: ToolScope,
  entry: CatalogEntry,
  where: unknown,
  patch: unknown,
  limit?: number,
): Promise<ActionResult<{ updated: number }>> {
  const problems = new Problems()
  const matching = selection(entry, where, limit, problems)
  const given = checkData(entry, patch, problems, { argument: 'patch' })
  if (problems.count === 0 && Object.keys(given).length === 0)
    problems.add(['patch'], 'must name at least one field')
  const failure = problems.failure()
  if (failure) return failure
  const { recordId: id } = systemColumns(entry)
  const answer = await scope.execute(sql`
    update ${entry.table} set ${setClause(entry, assignments(entry, given), scope.now)}
    where ${id} in (${matching}) returning ${identifier(id)}`)
  for (const [recordId] of answer.rows) scope.wrote('update', entry, String(recordId))
  return ok({ updated: answer.rows.length })
}

/** Deletes at most `limit` matching records; repeat until below the limit. */
export async function deleteWhere(
  scope: ToolScope,
  entry: CatalogEntry,
  where: unknown,
  limit?: number,
): Promise<ActionResult<{ deleted: number }>> {
  const problems = new Problems()
  const matching = selection(entry, where, limit, problems)
  const failure = problems.failure()
  if (failure) return failure
  const { recordId: id } = systemColumns(entry)
  const answer = await scope.execute(
    sql`delete from ${entry.table} where ${id} in (${matching}) returning ${identifier(id)}`,
  )
  for (const [recordId] of answer.rows) scope.wrote('remove', entry, String(recordId))
  return ok({ deleted: answer.rows.length })
}

/** The ids of the records to write, in a stable order, so that two calls lock them alike. */
function selection(entry: CatalogEntry, where: unknown, limit: number | undefined, problems: Problems): SQL {
  const most = limit === undefined ? DEFAULT_LIMIT : limit
  if (!(Number.isSafeInteger(most) && most >= 1 && most <= MAX_LIMIT)) {
    problems.add(['limit'], `must be a whole number from 1 to ${MAX_LIMIT}`)
  }
  const condition = compileWhere(entry, where, problems)
  if (!condition && problems.count === 0) problems.add(['where'], 'must name at least one condition')
  const { recordId: id } = systemColumns(entry)
  return sql`select ${id} from ${entry.table} where ${condition ?? sql`false`} order by ${id} limit ${most}`
}
