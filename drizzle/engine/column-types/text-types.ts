import { z } from 'zod'
import type { ColumnType, Description } from './column-type.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

interface TextColumn {
  readonly enumValues?: readonly string[] | undefined
  /** In characters. */
  readonly length?: number | undefined
}

/** Text comes from either driver as it is. */
const asText = { read: (value: unknown) => value, isComparable: true }

export function textType({ enumValues }: TextColumn): ColumnType {
  return { ...asText, schema: oneOf(enumValues) ?? z.string() }
}

export function varcharType({ length, enumValues }: TextColumn): Description {
  if (length === undefined) return textType({ enumValues })
  // Postgres counts characters where JavaScript counts UTF-16 units, and cuts spaces at the end without an error.
  const fits = (text: string) => text.length <= length || [...text].length <= length
  const tooLong = enumOf(enumValues).find((text) => !fits(text))
  if (tooLong !== undefined)
    return { refused: `has the value "${tooLong}", which is longer than ${length} characters` }
  const any = z.string().refine(fits, `must be at most ${length} characters long`)
  return { ...asText, schema: oneOf(enumValues) ?? any }
}

/** Postgres fills a shorter text up with spaces, and does not count those at the end. */
export function charType({ length = 1, enumValues }: TextColumn): Description {
  const fits = (text: string) => [...text].length === length && !text.endsWith(' ')
  const unfit = enumOf(enumValues).find((text) => !fits(text))
  if (unfit !== undefined)
    return {
      refused: `has the value "${unfit}", which is not ${length} characters long; use varchar({ length: ${length} })`,
    }
  const any = z.string().refine(fits, `must be exactly ${length} characters long, and not end with a space`)
  return { ...asText, schema: oneOf(enumValues) ?? any }
}

/** Sorted in the order of its values, and without LIKE. */
export function enumType({ enumValues }: TextColumn): ColumnType {
  return { ...asText, schema: z.enum(enumOf(enumValues)) }
}

/** Postgres writes it in lower case. */
export function uuidType(): ColumnType {
  return {
    ...asText,
    schema: z
      .string()
      .regex(UUID, 'must be a UUID in lower case, such as 018f4e9c-1111-7111-8111-111111111111'),
  }
}

/** Postgres fills up and cuts bits that are cast. */
export function bitType({ dimensions }: { readonly dimensions: number | undefined }): ColumnType {
  const exact = new RegExp(`^[01]{${dimensions}}$`)
  return { ...asText, schema: z.string().regex(exact, `must be exactly ${dimensions} of the digits 0 and 1`) }
}

function oneOf(values: readonly string[] | undefined): z.ZodType<string> | undefined {
  return values && values.length > 0 ? z.enum([...values]) : undefined
}

function enumOf(values: readonly string[] | undefined): string[] {
  return [...(values ?? [])]
}
