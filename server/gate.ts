import { sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { UserActor } from './auth/actor.ts'
import { roleOf } from './auth/role.ts'
import { mapDatabaseError } from './db/sqlstate.ts'
import type { Engine } from './engine.ts'
import { type Failure, fail } from './result.ts'

/** Who may call an action: undefined lets the caller in, a failure does not. */
export type Gate = (engine: Engine, actor: UserActor) => Promise<Failure | undefined>

const dialect = new PgDialect({ casing: 'snake_case' })

/** Lets every verified caller in. */
export const anyCaller: Gate = async () => undefined

/** Lets the owner in, and nobody when there is none. */
export const ownerOnly: Gate = async (engine, actor) => {
  if (engine.ownerUserId === undefined)
    return fail('FORBIDDEN', "Only the app's owner may call this, and OWNER_USER_ID is not set.")
  return actor.userId === engine.ownerUserId
    ? undefined
    : fail('FORBIDDEN', "Only the app's owner may call this.")
}

/** Lets callers of one role in; the owner counts as admin. */
export function roleOnly(role: string): Gate {
  return async (engine, actor) => {
    if (role === 'admin' && engine.ownerUserId !== undefined && actor.userId === engine.ownerUserId)
      return undefined
    const stored = await storedRole(engine, actor.userId)
    if (typeof stored === 'object') return stored
    return roleOf(stored) === role
      ? undefined
      : fail('FORBIDDEN', `Only the role ${JSON.stringify(role)} may call this.`)
  }
}

/** The role in the caller's row, outside any transaction, so that a change takes effect on the next call. */
async function storedRole(engine: Engine, userId: string): Promise<string | Failure | undefined> {
  const users = engine.catalog.get('users')
  const [role, id] = [users?.columns.get('role'), users?.columns.get('recordId')]
  if (!users || !role || !id) return undefined
  try {
    const { rows } = await engine.database.query(
      dialect.sqlToQuery(sql`select ${role} from ${users.table} where ${id} = ${userId}`),
    )
    return rows[0] ? String(rows[0][0]) : undefined
  } catch (error) {
    const mapped = mapDatabaseError(error, () => undefined)
    if (!mapped) throw error
    return mapped.kind === 'failure'
      ? mapped.failure
      : fail('SERVICE_UNAVAILABLE', 'The database is busy; try again.')
  }
}
