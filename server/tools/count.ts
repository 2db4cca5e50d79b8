import { sql } from 'drizzle-orm'
import { type ActionResult, ok } from '../core/result.ts'
import { Problems } from './problems.ts'
import { IS_LOOKED_AT, matches, searchedRows, searchedTooMuch } from './search.ts'
import type { ReadRuntime } from './tool-runtime.ts'
import type { VisibleRecords } from './visible-records.ts'
import { compileWhere } from './where.ts'

/** Counts the records that match. */
export async function count(
  runtime: ReadRuntime,
  { entry, within }: VisibleRecords,
  where?: unknown,
): Promise<ActionResult<{ count: number }>> {
  const problems = new Problems()
  const { plain, search } = compileWhere(entry, where, problems)
  const failure = problems.failure()
  if (failure) return failure
  const left = sql`${plain ?? sql`true`} and ${within}`
  if (!search) {
    const answer = await runtime.execute(sql`select count(*) from ${entry.table} where ${left}`)
    return ok({ count: Number(answer.rows[0]?.[0]) })
  }
  const answer = await runtime.execute(sql`
    select count(*) filter (where ${matches(search)}), count(*) filter (where ${IS_LOOKED_AT}), count(*)
    from ${searchedRows(entry, left, search, undefined)}`)
  const [count, lookedAt, all] = (answer.rows[0] ?? []).map(Number)
  return lookedAt === all ? ok({ count: count ?? 0 }) : searchedTooMuch(entry, search, lookedAt, '')
}
