import { is } from 'drizzle-orm'
import { PgArray, PgChar, type PgColumn, PgVarchar } from 'drizzle-orm/pg-core'
import { DefinitionError } from '../../server/core/errors.ts'
import type { FieldBuilders } from './access.ts'

/** The characters of a text, unless its column or its collection says otherwise. */
const MAX_TEXT_CHARACTERS = 10_000
/** The characters of a JSON value as JSON text, and of all texts of an array together. */
const MAX_TOTAL_CHARACTERS = 100_000
const MAX_ELEMENTS = 1_000
/** Postgres holds a value of 1 GB, and a statement carries it whole. */
const MOST_CHARACTERS = 10_000_000
const MOST_ELEMENTS = 100_000

/** How large a value of one field may be. Characters are Unicode code points, as Postgres counts them. */
export interface FieldSize {
  readonly kind: 'text' | 'json' | 'array'
  /** Of the text, of each text of an array, or of the JSON text. */
  readonly maxCharacters: number
  /** Of all texts of an array together. */
  readonly maxTotalCharacters: number
  /** Of an array, those of its inner arrays included. */
  readonly maxElements: number
}

/** The names of the fields that `maxLength` may name. */
export type SizedField<TFields extends FieldBuilders> = {
  [K in keyof TFields & string]: TFields[K]['_']['dataType'] extends 'string' | 'json' | 'array' | 'custom'
    ? K
    : never
}[keyof TFields & string]

/** The names of the array fields. */
export type ArrayField<TFields extends FieldBuilders> = {
  [K in keyof TFields & string]: TFields[K]['_']['dataType'] extends 'array' ? K : never
}[keyof TFields & string]

interface DeclaredSizes {
  readonly maxLength?: Readonly<Record<string, number | undefined>> | undefined
  readonly maxElements?: Readonly<Record<string, number | undefined>> | undefined
}

/**
 * Works out how large the values of a collection's fields may be; a field of a type of fixed size has no limit.
 *
 * @throws {DefinitionError} when a limit is no whole number in its range, or is of a field that has no such size.
 */
export function fieldSizes(
  name: string,
  columns: ReadonlyMap<string, PgColumn>,
  { maxLength = {}, maxElements = {} }: DeclaredSizes,
): ReadonlyMap<string, FieldSize> {
  const sizes = new Map<string, FieldSize>()
  for (const [field, column] of columns) {
    const size = defaultSize(column)
    if (size) sizes.set(field, size)
  }
  for (const [field, most] of Object.entries(maxLength)) {
    const size = sizes.get(field)
    const column = columns.get(field)
    if (!size || !column || (size.kind === 'array' && !isText(elementOf(column))))
      throw new DefinitionError(
        `Collection "${name}": maxLength names "${field}", which is no text, JSON or array of texts`,
      )
    const limit = wholeNumber(`Collection "${name}": maxLength of "${field}"`, most, MOST_CHARACTERS)
    const declared = declaredLength(elementOf(column))
    if (declared !== undefined && limit > declared)
      throw new DefinitionError(
        `Collection "${name}": maxLength of "${field}" is ${limit}, but its column holds ${declared} characters`,
      )
    const maxTotalCharacters = Math.max(limit, size.kind === 'array' ? size.maxTotalCharacters : 0)
    sizes.set(field, { ...size, maxCharacters: limit, maxTotalCharacters })
  }
  for (const [field, most] of Object.entries(maxElements)) {
    const size = sizes.get(field)
    if (size?.kind !== 'array')
      throw new DefinitionError(`Collection "${name}": maxElements names "${field}", which is no array`)
    const limit = wholeNumber(`Collection "${name}": maxElements of "${field}"`, most, MOST_ELEMENTS)
    sizes.set(field, { ...size, maxElements: limit })
  }
  return sizes
}

function defaultSize(column: PgColumn): FieldSize | undefined {
  if (is(column, PgArray)) {
    const maxCharacters = declaredLength(elementOf(column)) ?? MAX_TEXT_CHARACTERS
    return {
      kind: 'array',
      maxCharacters,
      maxTotalCharacters: MAX_TOTAL_CHARACTERS,
      maxElements: MAX_ELEMENTS,
    }
  }
  if (/^jsonb?$/.test(column.getSQLType())) return sizeOf('json', MAX_TOTAL_CHARACTERS)
  return isText(column) ? sizeOf('text', declaredLength(column) ?? MAX_TEXT_CHARACTERS) : undefined
}

function sizeOf(kind: 'text' | 'json', maxCharacters: number): FieldSize {
  return { kind, maxCharacters, maxTotalCharacters: maxCharacters, maxElements: 1 }
}

/** Numbers, dates and enums can be strings in JavaScript; these are text in Postgres. */
export function isText(column: PgColumn): boolean {
  return /^(?:text|varchar|char|bpchar|citext)\b/.test(column.getSQLType())
}

/** The `n` of `varchar(n)` and `char(n)`. */
function declaredLength(column: PgColumn): number | undefined {
  if (is(column, PgVarchar)) return column.length
  return is(column, PgChar) ? (column.length ?? 1) : undefined
}

function elementOf(column: PgColumn): PgColumn {
  return is(column, PgArray) ? elementOf(column.baseColumn) : column
}

function wholeNumber(what: string, value: unknown, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= most) return value
  throw new DefinitionError(`${what} must be a whole number from 1 to ${most}`)
}
