import { SqlError } from '../db/database.ts'

/**
 * A statement whose unique violation does not say which constraint it broke: the record that has the value may be
 * one that the caller may not read, or the field one that is hidden.
 */
export async function hidingUniques<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement
  } catch (error) {
    throw error instanceof SqlError && error.sqlstate === '23505'
      ? new SqlError({ sqlstate: '23505' })
      : error
  }
}
