import { is, SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { DefinitionError } from '../../../server/core/errors.ts'
import { columnName } from './column-name.ts'
import { describeColumn } from './describe-column.ts'

/** What Postgres keeps of a name; it cuts the rest off. */
const MAX_NAME_BYTES = 63

/**
 * Looks at the columns of a collection before anything is stored in them.
 *
 * @throws {DefinitionError} for a type whose values would not come back as they were given, for a default that is no
 * value of its field, and where two fields would be one column.
 */
export function checkColumns(collection: string, columns: ReadonlyMap<string, PgColumn>): void {
  const fields = new Map<string, string>()
  for (const [field, column] of columns) {
    const wrong = (problem: string) =>
      new DefinitionError(`Field "${field}" of collection "${collection}" ${problem}`)
    const name = columnName(column)
    const other = fields.get(name)
    if (other !== undefined)
      throw wrong(`and field "${other}" would be one column, "${name}"; give one another name`)
    if (Buffer.byteLength(name) > MAX_NAME_BYTES)
      throw wrong(
        `has the column name "${name}", of which Postgres keeps ${MAX_NAME_BYTES} bytes; give it a shorter one`,
      )
    fields.set(name, field)

    const type = describeColumn(column)
    if ('refused' in type) throw wrong(type.refused)
    const { default: value } = column
    if (value === undefined || value === null || is(value, SQL)) continue
    const parsed = type.schema.safeParse(value)
    if (!parsed.success)
      throw wrong(`has a default that it cannot hold: it ${parsed.error.issues[0]?.message}`)
  }
}
