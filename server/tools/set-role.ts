import { sql } from 'drizzle-orm'
import { type ActionResult, fail, ok } from '../core/result.ts'
import { bindTo, checkData, identifier, setClause, systemColumns } from './assignments.ts'
import { notFound } from './not-found.ts'
import { Problems } from './problems.ts'
import { checkRecordId } from './record-id.ts'
import type { WriteRuntime } from './tool-runtime.ts'

export interface SetRoleInput {
  readonly userId: string
  readonly role: string
}

/** Sets the role of a user who has a row. Does not check who may, or which roles there are. */
export async function setRole(
  runtime: WriteRuntime,
  { userId, role }: SetRoleInput,
): Promise<ActionResult<{ userId: string; role: string }>> {
  const entry = runtime.catalog.get('users')
  const column = entry?.columns.get('role')
  if (!entry || !column) return fail('PRECONDITION_FAILED', 'The app has no collection "users".')
  const problems = new Problems()
  checkRecordId(userId, problems)
  checkData(entry, { role }, problems, { asEngine: true, argument: 'input' })
  const failure = problems.failure()
  if (failure) return failure
  const { recordId: id } = systemColumns(entry)
  const answer = await runtime.execute(sql`
    update ${entry.table} set ${setClause(entry, [{ column, value: bindTo(column, role) }], runtime.now)}
    where ${id} = ${bindTo(id, userId)} returning ${identifier(id)}`)
  if (answer.rows.length === 0) return notFound(entry, userId)
  runtime.wrote('update', entry, userId)
  return ok({ userId, role })
}
