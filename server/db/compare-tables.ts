import { getTableColumns } from 'drizzle-orm'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import { columnName } from '../../drizzle/engine/column-types/column-name.ts'
import { isSameType } from './column-types.ts'
import type { Database } from './database.ts'
import { qualifiedName, quotedName } from './identifier.ts'

/** A column as the database has it. */
interface StoredColumn {
  readonly type: string
  /** Of a domain, the type behind it. */
  readonly baseType: string | undefined
  readonly isNotNull: boolean
  readonly hasDefault: boolean
}

const COLUMNS = `
  select c.name, a.attname::text, format_type(a.atttypid, a.atttypmod),
    case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
    (a.attnotnull or t.typnotnull)::text, (a.atthasdef or a.attidentity <> '')::text
  from jsonb_array_elements_text($1::text::jsonb) as c (name)
    join pg_attribute a on a.attrelid = to_regclass(c.name) and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
  order by c.name, a.attnum`

/**
 * Compares tables with the database, column by column: names, types, and what may be empty.
 *
 * @returns a sentence for each difference that would make a statement of the server fail, or a value come back as what
 * its type denies. Columns that only the database has, and that may be left out, are none.
 */
export async function compareTables(
  database: Database,
  tables: readonly PgTable[],
): Promise<readonly string[]> {
  const names = tables.map(quotedName)
  const { rows } = await database.query({ sql: COLUMNS, params: [JSON.stringify(names)] })
  const stored = new Map<string, Map<string, StoredColumn>>()
  for (const [table, column, type, baseType, isNotNull, hasDefault] of rows) {
    const columns = stored.get(String(table)) ?? new Map<string, StoredColumn>()
    stored.set(String(table), columns)
    columns.set(String(column), {
      type: String(type),
      baseType: typeof baseType === 'string' ? baseType : undefined,
      isNotNull: isNotNull === 'true',
      hasDefault: hasDefault === 'true',
    })
  }
  return tables.flatMap((table) => compareTable(table, stored.get(quotedName(table))))
}

function compareTable(table: PgTable, stored: ReadonlyMap<string, StoredColumn> | undefined): string[] {
  const name = qualifiedName(table)
  if (!stored) return [`table ${name} is missing`]
  const columns = Object.values(getTableColumns(table))
  const keys = new Set(getTableConfig(table).primaryKeys.flatMap((key) => key.columns.map(columnName)))
  const declared = new Set(columns.map(columnName))
  const differences = columns.flatMap((column) => {
    const found = stored.get(columnName(column))
    const where = `${name}.${columnName(column)}`
    if (!found) return [`${where} is missing; it is declared as ${column.getSQLType()}`]
    return compareColumn(where, column, found, column.notNull || keys.has(columnName(column)))
  })
  const required = [...stored].filter(
    ([column, { isNotNull, hasDefault }]) => !declared.has(column) && isNotNull && !hasDefault,
  )
  return [
    ...differences,
    ...required.map(
      ([column, { type }]) =>
        `${name}.${column} (${type}) is not declared, and no record can be made without it: give it a default, or drop it`,
    ),
  ]
}

function compareColumn(where: string, column: PgColumn, found: StoredColumn, isNotNull: boolean): string[] {
  const type = column.getSQLType()
  const isSame = [found.type, found.baseType].some((known) => known !== undefined && isSameType(type, known))
  const differences = isSame ? [] : [`${where} is declared as ${type}, and is ${found.type}`]
  if (isNotNull && !found.isNotNull) differences.push(`${where} is declared NOT NULL, and may be empty`)
  if (!isNotNull && found.isNotNull)
    differences.push(`${where} is declared as one that may be empty, and is NOT NULL`)
  return differences
}
