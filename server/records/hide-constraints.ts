import { SqlError } from '../db/database.ts'
import { constraintFields } from '../tools/constraint-fields.ts'
import type { ReadRuntime, WriteRuntime } from '../tools/tool-runtime.ts'
import type { Permission } from './policy.ts'

/** SQLSTATEs that reveal another record, which the caller may not be able to read. */
const OF_OTHER_RECORDS: ReadonlySet<string> = new Set(['23505', '23P01'])

/**
 * Runs a statement and hides a constraint in its error that would tell the caller about something they may not read:
 * another record with the same value, one that refers to this, or a hidden field. Hides the same in an error of COMMIT.
 */
export async function hideConstraints<T>(
  runtime: WriteRuntime,
  permission: Permission,
  statement: Promise<T>,
): Promise<T> {
  runtime.concealAtCommit(permission.entry.name, (error) => concealed(runtime, permission, error))
  try {
    return await statement
  } catch (error) {
    throw error instanceof SqlError ? concealed(runtime, permission, error) : error
  }
}

function concealed({ catalog }: ReadRuntime, permission: Permission, error: SqlError): SqlError {
  const { sqlstate, constraint, column, table } = error
  if (constraint === undefined && column === undefined) return error
  const { entry, view } = permission
  const known = constraintFields(catalog, error)
  const isSeen = known
    ? known.collection === entry.name && known.fields.every((field) => view.known.columns.has(field))
    : table === entry.name && view.known.columns.size === entry.columns.size
  const isShown = isSeen && (!OF_OTHER_RECORDS.has(sqlstate) || permission.readsAll)
  return isShown ? error : new SqlError({ sqlstate })
}
