import { getTableName } from 'drizzle-orm'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'

/** Writes a name as SQL has it, whatever is in it. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

/** A table's name with its schema, if it is declared in one, as people read it. */
export function qualifiedName(table: PgTable): string {
  return nameParts(table).join('.')
}

/** The same as SQL has it. */
export function quotedName(table: PgTable): string {
  return nameParts(table).map(quoted).join('.')
}

function nameParts(table: PgTable): readonly string[] {
  const { schema } = getTableConfig(table)
  return schema === undefined ? [getTableName(table)] : [schema, getTableName(table)]
}
