import { type SQL, sql } from 'drizzle-orm'
import { type ActionResult, type Failure, ok } from '../core/result.ts'
import { assignments, checkData, identifier, setClause, systemColumns } from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'
import { Problems } from './problems.ts'
import { IS_LOOKED_AT, matches, searchedRows, searchedTooMuch } from './search.ts'
import type { WriteRuntime } from './tool-runtime.ts'
import { type Conditions, compileWhere } from './where.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 10_000

/** Patches at most `limit` matching records; repeat until below the limit. */
export async function updateWhere(
  runtime: WriteRuntime,
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
  const update = sql`update ${entry.table} set ${setClause(entry, assignments(entry, given), runtime.now)}`
  const written = await write(runtime, entry, update, matching)
  if ('success' in written) return written
  for (const recordId of written) runtime.wrote('update', entry, recordId)
  return ok({ updated: written.length })
}

/** Deletes at most `limit` matching records; repeat until below the limit. */
export async function deleteWhere(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  where: unknown,
  limit?: number,
): Promise<ActionResult<{ deleted: number }>> {
  const problems = new Problems()
  const matching = selection(entry, where, limit, problems)
  const failure = problems.failure()
  if (failure) return failure
  const written = await write(runtime, entry, sql`delete from ${entry.table}`, matching)
  if ('success' in written) return written
  for (const recordId of written) runtime.wrote('remove', entry, recordId)
  return ok({ deleted: written.length })
}

interface Selection extends Conditions {
  readonly most: number
}

/** Selects the records to write, in a stable order, so that two calls lock them in the same order. */
function selection(
  entry: CatalogEntry,
  where: unknown,
  limit: number | undefined,
  problems: Problems,
): Selection {
  const most = limit === undefined ? DEFAULT_LIMIT : limit
  if (!(Number.isSafeInteger(most) && most >= 1 && most <= MAX_LIMIT)) {
    problems.add(['limit'], `must be a whole number from 1 to ${MAX_LIMIT}`)
  }
  const { plain, search } = compileWhere(entry, where, problems)
  if (!plain && !search && problems.count === 0) problems.add(['where'], 'must name at least one condition')
  return { plain, search, most }
}

/** Runs an UPDATE or DELETE on the selected records; returns their ids. */
async function write(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  statement: SQL,
  { plain, search, most }: Selection,
): Promise<readonly string[] | Failure> {
  const { recordId: id } = systemColumns(entry)
  const name = identifier(id)
  if (!search) {
    const ids = sql`select ${id} from ${entry.table} where ${plain ?? sql`false`} order by ${id} limit ${most}`
    await runtime.willWrite(entry, ids)
    const answer = await runtime.execute(sql`${statement} where ${id} in (${ids}) returning ${name}`)
    return answer.rows.map(([recordId]) => String(recordId))
  }
  const found = sql`
    with _searched as materialized (
      select ${id} as _id, ${IS_LOOKED_AT} as _is_looked_at, ${matches(search)} as _matches
      from ${searchedRows(entry, plain ?? sql`true`, search, id.getSQL())}),
    _matching as materialized (select _id from _searched where _matches order by _id limit ${most})`
  await runtime.willWrite(entry, sql`${found} select _id from _matching`)
  // Whether the search found all is known before the first record is written.
  const answer = await runtime.execute(sql`${found},
    _refused as (
      select count(*) filter (where _is_looked_at) as _looked_at from _searched
      having bool_or(not _is_looked_at) and (select count(*) from _matching) < ${most}),
    _written as (
      ${statement} where ${id} in (select _id from _matching) and not exists (select 1 from _refused)
      returning ${name})
    select ${name}, null from _written union all select null, _looked_at from _refused`)
  const refused = answer.rows.find(([recordId]) => recordId === null)
  if (refused)
    return searchedTooMuch(entry, search, refused[1], ', or write the records of a query page by page')
  return answer.rows.map(([recordId]) => String(recordId))
}
