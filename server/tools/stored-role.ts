import { type SQL, sql } from 'drizzle-orm'
import type { Catalog } from './catalog.ts'
import { bindTo } from './data.ts'
import type { ReadScope } from './scope.ts'

/** The role in a user's row; undefined when there is no row. */
export async function storedRole(scope: ReadScope, userId: string): Promise<string | undefined> {
  const { rows } = await scope.execute(selectRole(scope.catalog, userId).select)
  return rows[0] ? String(rows[0][0] ?? '') : undefined
}

/** The condition that a user's row has this role, or that there is no row, for null; of values or their placeholders. */
export function hasStoredRole(catalog: Catalog, userId: unknown, stored: unknown): SQL {
  const selected = selectRole(catalog, userId)
  return sql`(${selected.select}) is not distinct from ${bindTo(selected.role, stored)}`
}

function selectRole(catalog: Catalog, userId: unknown) {
  const users = catalog.get('users')
  const [role, id] = [users?.columns.get('role'), users?.columns.get('recordId')]
  if (!users || !role || !id) throw new Error('A catalog has users with their role')
  return { role, select: sql`select ${role} from ${users.table} where ${id} = ${bindTo(id, userId)}` }
}
