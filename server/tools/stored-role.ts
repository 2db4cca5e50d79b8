import { sql } from 'drizzle-orm'
import type { ReadScope } from './scope.ts'

/** The role in a user's row; undefined when there is no row. */
export async function storedRole(scope: ReadScope, userId: string): Promise<string | undefined> {
  const users = scope.catalog.get('users')
  const [role, id] = [users?.columns.get('role'), users?.columns.get('recordId')]
  if (!users || !role || !id) return undefined
  const { rows } = await scope.execute(sql`select ${role} from ${users.table} where ${id} = ${userId}`)
  return rows[0] ? String(rows[0][0] ?? '') : undefined
}
