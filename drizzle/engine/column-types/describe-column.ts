import { type DrizzleEntityClass, is } from 'drizzle-orm'
import {
  PgArray,
  PgBigInt53,
  PgBigInt64,
  PgBigSerial53,
  PgBigSerial64,
  PgBinaryVector,
  PgBoolean,
  PgChar,
  PgCidr,
  type PgColumn,
  PgCustomColumn,
  PgDate,
  PgDateString,
  PgDoublePrecision,
  PgEnumColumn,
  PgEnumObjectColumn,
  PgGeometry,
  PgGeometryObject,
  PgHalfVector,
  PgInet,
  PgInteger,
  PgInterval,
  PgJson,
  PgJsonb,
  PgLineABC,
  PgLineTuple,
  PgMacaddr,
  PgMacaddr8,
  PgNumeric,
  PgNumericBigInt,
  PgNumericNumber,
  PgPointObject,
  PgPointTuple,
  PgReal,
  PgSerial,
  PgSmallInt,
  PgSmallSerial,
  PgSparseVector,
  PgText,
  PgTime,
  PgTimestamp,
  PgTimestampString,
  PgUUID,
  PgVarchar,
  PgVector,
} from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { arrayType } from './array-type.ts'
import { type ColumnType, type Description, UNREADABLE } from './column-type.ts'
import { dateTextType, dateType, timestampTextType, timestampType, timeType } from './date-types.ts'
import { lineObjectType, lineType, pointObjectType, pointType } from './geometric-types.ts'
import { jsonType } from './json-type.ts'
import { cidrType, inetType, macaddr8Type, macaddrType } from './network-types.ts'
import { doubleType, int53Type, int64Type, intType, realType, smallintType } from './number-types.ts'
import { numericBigintType, numericNumberType, numericType } from './numeric-types.ts'
import { bitType, charType, enumType, textType, uuidType, varcharType } from './text-types.ts'

const booleanType: ColumnType = {
  schema: z.boolean(),
  read: (value) => value === true || value === 't',
  isComparable: true,
}

const NEEDS_EXTENSION = {
  refused:
    'needs an extension, whose values Deputy cannot vouch for; keep it in a table of its own, beside tools.sql',
}

type Describe = (column: PgColumn) => Description | undefined

function kind<T extends DrizzleEntityClass<PgColumn>>(
  type: T,
  describe: (column: InstanceType<T>) => Description,
): Describe {
  return (column) => (is(column, type) ? describe(column) : undefined)
}

/** Every kind of column that Drizzle has, and what Deputy makes of it. */
const KINDS: readonly Describe[] = [
  kind(PgText, textType),
  kind(PgInteger, () => intType),
  kind(PgTimestamp, timestampType),
  kind(PgBoolean, () => booleanType),
  kind(PgArray, describeArray),
  kind(PgBigInt53, () => int53Type),
  kind(PgBigInt64, () => int64Type),
  kind(PgBigSerial53, () => int53Type),
  kind(PgBigSerial64, () => int64Type),
  kind(PgBinaryVector, bitType),
  kind(PgChar, charType),
  kind(PgCidr, () => cidrType),
  kind(PgDate, () => dateType),
  kind(PgDateString, () => dateTextType),
  kind(PgDoublePrecision, () => doubleType),
  kind(PgEnumColumn, enumType),
  kind(PgEnumObjectColumn, enumType),
  kind(PgInet, () => inetType),
  kind(PgJson, () => jsonType),
  kind(PgJsonb, () => jsonType),
  kind(PgLineABC, () => lineObjectType),
  kind(PgLineTuple, () => lineType),
  kind(PgMacaddr, () => macaddrType),
  kind(PgMacaddr8, () => macaddr8Type),
  kind(PgNumeric, numericType),
  kind(PgNumericBigInt, numericBigintType),
  kind(PgNumericNumber, numericNumberType),
  kind(PgPointObject, () => pointObjectType),
  kind(PgPointTuple, () => pointType),
  kind(PgReal, () => realType),
  kind(PgSerial, () => intType),
  kind(PgSmallInt, () => smallintType),
  kind(PgSmallSerial, () => smallintType),
  kind(PgTime, timeType),
  kind(PgTimestampString, timestampTextType),
  kind(PgUUID, uuidType),
  kind(PgVarchar, varcharType),
  kind(PgCustomColumn, () => ({
    refused:
      'is a customType, whose values Deputy can neither check nor carry; use a built-in type such as text() or jsonb(), or add the column in a migration of your own where only the database needs it',
  })),
  kind(PgInterval, () => ({
    refused: 'is an interval, which Postgres rewrites; use integer() for a number of seconds, or text()',
  })),
  kind(PgGeometry, () => NEEDS_EXTENSION),
  kind(PgGeometryObject, () => NEEDS_EXTENSION),
  kind(PgHalfVector, () => NEEDS_EXTENSION),
  kind(PgSparseVector, () => NEEDS_EXTENSION),
  kind(PgVector, () => NEEDS_EXTENSION),
]

/** Says how Deputy keeps a column's values, or why it does not. */
export function describeColumn(column: PgColumn): Description {
  for (const describe of KINDS) {
    const description = describe(column)
    if (description) return description
  }
  return { refused: `is of the type ${column.getSQLType()}, which Deputy does not know` }
}

/** Whether the database alone writes a column: what is computed, and what is numbered. */
export function isWrittenByDatabase(column: PgColumn): boolean {
  return column.generated !== undefined || column.generatedIdentity?.type === 'always' || isSerial(column)
}

function isSerial(column: PgColumn): boolean {
  return [PgSerial, PgSmallSerial, PgBigSerial53, PgBigSerial64].some((type) => is(column, type))
}

function describeArray({
  baseColumn,
  size,
}: {
  readonly baseColumn: PgColumn
  readonly size: number | undefined
}): Description {
  if (is(baseColumn, PgArray))
    return { refused: 'is an array of arrays, which Postgres does not tell from a plain one; use jsonb()' }
  if (isSerial(baseColumn))
    return { refused: 'is an array of numbers that nobody gives; use integer().array()' }
  const element = describeColumn(baseColumn)
  return 'refused' in element ? element : arrayType(element, size)
}

/**
 * How a column's values are read as a driver hands them over. Made once: `null` for what is NULL, and `UNREADABLE`.
 *
 * @throws {Error} for a column that cannot be a field.
 */
export function columnReader(column: PgColumn): (value: unknown) => unknown {
  const type = describeColumn(column)
  if ('refused' in type) throw new Error(`The column "${column.name}" ${type.refused}`)
  const { read } = type
  return (value) => (value === null || value === undefined ? null : read(value))
}

/** Reads one value of the engine's own tables. */
export function readColumn(column: PgColumn, value: unknown): unknown {
  const read = columnReader(column)(value)
  return read === UNREADABLE ? null : read
}
