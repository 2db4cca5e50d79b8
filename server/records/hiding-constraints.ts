import { SqlError } from '../db/database.ts'
import { constraintFields } from '../tools/catalog.ts'
import type { ReadScope } from '../tools/scope.ts'
import type { Permission } from './policy.ts'

/**
 * A statement whose failure names no constraint that would tell the caller something: the record with a value that
 * is taken, or one that refers to this, may be one that they may not read, or the field one that is hidden.
 */
export async function hidingConstraints<T>(
  { catalog }: ReadScope,
  { entry, view }: Permission,
  statement: Promise<T>,
): Promise<T> {
  try {
    return await statement
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    const { sqlstate, constraint } = error
    const known = constraint === undefined ? undefined : constraintFields(catalog, constraint)
    const isOwn =
      known?.collection === entry.name && known.fields.every((field) => view.known.columns.has(field))
    const tells = sqlstate === '23505' || (sqlstate === '23503' && !isOwn)
    throw tells ? new SqlError({ sqlstate }) : error
  }
}
