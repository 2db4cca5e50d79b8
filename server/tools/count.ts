import { sql } from 'drizzle-orm'
import { type ActionResult, ok } from '../result.ts'
import { Problems } from './problems.ts'
import type { Reach } from './reach.ts'
import type { ReadScope } from './scope.ts'
import { compileWhere } from './where.ts'

/** Counts the records that match. */
export async function count(
  scope: ReadScope,
  { entry, within }: Reach,
  where?: unknown,
): Promise<ActionResult<{ count: number }>> {
  const problems = new Problems()
  const condition = compileWhere(entry, where, problems)
  const failure = problems.failure()
  if (failure) return failure
  const answer = await scope.execute(
    sql`select count(*) from ${entry.table} where ${condition ?? sql`true`} and ${within}`,
  )
  return ok({ count: Number(answer.rows[0]?.[0]) })
}
