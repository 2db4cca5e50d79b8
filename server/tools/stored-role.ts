import { type SQL, sql } from 'drizzle-orm'
import { type ActionResult, fail, ok } from '../core/result.ts'
import { bindTo, checkData, identifier, setClause, systemColumns } from './assignments.ts'
import type { Catalog } from './catalog.ts'
import { checkRecordId, notFound, Problems } from './problems.ts'
import type { ReadRuntime, WriteRuntime } from './tool-runtime.ts'

/** Reads the role in a user's row; undefined without a row. */
export async function storedRole(runtime: ReadRuntime, userId: string): Promise<string | undefined> {
  const { rows } = await runtime.execute(selectRole(runtime.catalog, userId).select)
  return rows[0] ? String(rows[0][0] ?? '') : undefined
}

/** Reads the roles in the rows of users, by their ids; those without a row are left out. */
export async function storedRoles(
  runtime: ReadRuntime,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { users, role, id } = usersOf(runtime.catalog)
  const { rows } = await runtime.execute(
    sql`select ${id}, ${role} from ${users.table}
      where ${id} = any(array(select jsonb_array_elements_text(${JSON.stringify(userIds)}::text::jsonb)))`,
  )
  return new Map(rows.map(([userId, stored]) => [String(userId), String(stored ?? '')]))
}

/** Writes the condition that a user's row has this role, or for null that there is no row. Takes values or placeholders. */
export function hasStoredRole(catalog: Catalog, userId: unknown, stored: unknown): SQL {
  const selected = selectRole(catalog, userId)
  return sql`(${selected.select}) is not distinct from ${bindTo(selected.role, stored)}`
}

function usersOf(catalog: Catalog) {
  const users = catalog.get('users')
  const [role, id] = [users?.columns.get('role'), users?.columns.get('recordId')]
  if (!users || !role || !id) throw new Error('A catalog has users with their role')
  return { users, role, id }
}

function selectRole(catalog: Catalog, userId: unknown) {
  const { users, role, id } = usersOf(catalog)
  return { role, select: sql`select ${role} from ${users.table} where ${id} = ${bindTo(id, userId)}` }
}

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
