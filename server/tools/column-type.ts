import { is, type SQL, sql } from 'drizzle-orm'
import {
  PgArray,
  type PgColumn,
  PgEnumColumn,
  PgEnumObjectColumn,
  PgNumeric,
  PgNumericBigInt,
  PgNumericNumber,
} from 'drizzle-orm/pg-core'

/** What Postgres calls the type of a serial column once the table is made. */
const SERIAL_TYPES: ReadonlyMap<string, SQL> = new Map([
  ['smallserial', sql`smallint`],
  ['serial', sql`integer`],
  ['bigserial', sql`bigint`],
])

/** The type of a column, as a cast names it. */
export function columnType(column: PgColumn): SQL {
  if (is(column, PgArray)) return sql`${columnType(column.baseColumn)}[]`
  if (is(column, PgEnumColumn) || is(column, PgEnumObjectColumn)) {
    const { schema, enumName } = column.enum
    return schema === undefined
      ? sql`${sql.identifier(enumName)}`
      : sql`${sql.identifier(schema)}.${sql.identifier(enumName)}`
  }
  return SERIAL_TYPES.get(column.getSQLType()) ?? sql.raw(column.getSQLType())
}

const NUMERIC = sql`numeric`

/** The type of what a column is compared with: a cast to a column's own scale would round it. */
export function operandType(column: PgColumn): SQL {
  return is(column, PgNumeric) || is(column, PgNumericNumber) || is(column, PgNumericBigInt)
    ? NUMERIC
    : columnType(column)
}
