import { type SQL, sql } from 'drizzle-orm'
import { bindTo } from './assignments.ts'
import type { Catalog } from './catalog.ts'
import type { ReadRuntime } from './tool-runtime.ts'

/** Reads the role in a user's row; undefined without a row. */
export async function storedRole(runtime: ReadRuntime, userId: string): Promise<string | undefined> {
  const { rows } = await runtime.execute(selectRole(runtime.catalog, userId).select)
  return rows[0] ? String(rows[0][0] ?? '') : undefined
}

/** Writes the condition that a user's row has this role, or for null that there is no row. Takes values or placeholders. */
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
