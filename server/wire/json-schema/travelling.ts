import type { z } from 'zod'
import { type ShapeOf, shapeOf } from '../zod-schema.ts'
import { type Io, mayBeAbsent, mayBeLeftOut } from './absence.ts'
import { isSaid, saidOf } from './said.ts'
import { describeText } from './text.ts'

type Json = z.core.JSONSchema.BaseSchema

const DAY = '\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])'
const MINUTE = '([01]\\d|2[0-3]):[0-5]\\d'
/** A date and time as it is read: to the millisecond, with a zone. */
const READ_INSTANT = `^${DAY}T${MINUTE}(:[0-5]\\d(\\.\\d{1,3}0{0,6})?)?(Z|[+-]${MINUTE})$`
const WRITTEN_INSTANT = `^${DAY}T${MINUTE}:[0-5]\\d\\.\\d{3}Z$`

const INSTANT: Readonly<Record<Io, Json>> = {
  input: { type: 'string', format: 'date-time', pattern: READ_INSTANT },
  output: { type: 'string', format: 'date-time', pattern: WRITTEN_INSTANT },
}
/** Decimal text. */
const INTEGER: Readonly<Record<Io, Json>> = {
  input: { type: 'string', pattern: '^-?\\d{1,40}$' },
  output: { type: 'string', pattern: '^-?\\d+$' },
}
/** No JSON is one. */
const NOTHING: Json = { not: {} }
const ANYTHING: Json = {}

/**
 * Corrects what zod has made of one schema to what travels as JSON.
 *
 * @returns what cannot be expressed, unless the author's `.meta({ type: … })` does.
 */
export function travelling(schema: z.core.$ZodTypes, json: Json, io: Io): string | undefined {
  const shape = shapeOf(schema)
  const { def } = schema._zod
  if (io === 'input' && 'coerce' in def && def.coerce === true)
    return openTo(schema, json, 'z.coerce takes values of every type: take the type itself')
  switch (shape.kind) {
    case 'leaf':
      return describeLeaf(schema, shape.type, json, io)
    case 'literal':
      return describeLiteral(schema, shape.values, json)
    case 'anything':
      return def.type === 'custom'
        ? openTo(schema, json, 'what z.custom takes is known to its function alone: say it with .meta')
        : undefined
    case 'transform':
      return openTo(schema, json, 'what a transform makes is known to its function alone: say it with .meta')
    case 'pipe':
      return describePipe(schema, shape, json, io)
    case 'map':
    case 'set':
    case 'function':
      return replaced(schema, json, NOTHING)
    case 'array': {
      // A list has null where a value is undefined.
      if (io === 'output' && json.items && mayBeAbsent(shape.item, io))
        json.items = { anyOf: [json.items as Json, { type: 'null' }] }
      if (isOverwritten(schema)) remove(json, 'minItems', 'maxItems')
      return undefined
    }
    case 'union':
      // Rules that functions alone know may leave one option of several that fit the types.
      if (json.oneOf && shape.tag === undefined) {
        json.anyOf = json.oneOf
        remove(json, 'oneOf')
      }
      return undefined
    case 'wrapper':
      if (shape.type === 'catch' && io === 'input') return replaced(schema, json, ANYTHING)
      // Of zod's, it says that the value is frozen; in OpenAPI it would say that no one may send it.
      if (shape.type === 'readonly') remove(json, 'readOnly')
      return undefined
    case 'success':
      return io === 'input' ? replaced(schema, json, ANYTHING) : undefined
    case 'template':
      return describeText(schema, json)
    case 'unrecognized':
      return openTo(schema, json, `schemas of the kind "${def.type}" are not known: say it with .meta`)
    case 'object':
      if (json.required) keepRequired(json, (key) => !mayBeLeftOut(shape.properties[key] ?? schema, io))
      return undefined
    case 'record':
      if (mayBeAbsent(shape.value, io)) remove(json, 'required')
      return undefined
    case 'tuple':
      describeTuple(schema, shape, json, io)
      return undefined
    case 'intersection':
    case 'promise':
    case 'lazy':
      return undefined
    default:
      return shape satisfies never
  }
}

function keepRequired(json: Json, isRequired: (key: string) => boolean): void {
  const required = json.required?.filter(isRequired)
  if (required?.length) json.required = required
  else remove(json, 'required')
}

function describeTuple(schema: z.core.$ZodTypes, { items }: ShapeOf<'tuple'>, json: Json, io: Io): void {
  // Where it is answered, null stands for what is undefined.
  if (io === 'output' && json.prefixItems) {
    const filled = json.prefixItems.map((item, at) => {
      const isFilled = items[at] !== undefined && mayBeAbsent(items[at], io)
      return isFilled ? { anyOf: [item as Json, { type: 'null' as const }] } : item
    })
    json.prefixItems = filled
  }
  if ((schema._zod.def.checks ?? []).length > 0) return
  const least = items.findLastIndex((item) => !mayBeLeftOut(item, io)) + 1
  if (least > 0) json.minItems = least
  else remove(json, 'minItems')
}

function describeLeaf(
  schema: z.core.$ZodTypes,
  type: ShapeOf<'leaf'>['type'],
  json: Json,
  io: Io,
): string | undefined {
  switch (type) {
    case 'date':
      return replaced(schema, json, INSTANT[io])
    case 'bigint':
      return replaced(schema, json, INTEGER[io])
    case 'symbol':
    case 'undefined':
    case 'void':
    case 'nan':
    case 'file':
      return replaced(schema, json, NOTHING)
    case 'string':
      if (isOverwritten(schema)) return replaced(schema, json, { type: 'string' })
      return describeText(schema, json)
    case 'number':
      if (isOverwritten(schema)) return replaced(schema, json, { type: 'number' })
      for (const bound of ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const)
        if (!Number.isFinite(json[bound] ?? 0)) remove(json, bound)
      return undefined
    case 'boolean':
    case 'null':
    case 'never':
    case 'enum':
      return undefined
    default:
      return type satisfies never
  }
}

function describeLiteral(
  schema: z.core.$ZodTypes,
  values: readonly unknown[],
  json: Json,
): string | undefined {
  if (values.every((value) => typeof value !== 'bigint' && value !== undefined)) return undefined
  const sent = new Set(
    values.flatMap((value) =>
      value === undefined ? [] : [typeof value === 'bigint' ? String(value) : value],
    ),
  )
  return replaced(schema, json, sent.size === 0 ? NOTHING : { enum: [...sent] as NonNullable<Json['enum']> })
}

function describePipe(
  schema: z.core.$ZodTypes,
  pipe: ShapeOf<'pipe'>,
  json: Json,
  io: Io,
): string | undefined {
  if (io === 'output' || shapeOf(pipe.in).kind !== 'transform') return undefined
  return openTo(schema, json, 'what z.preprocess takes is known to its function alone: say it with .meta')
}

/** Leaves open what stands here, unless its author says it. */
function openTo(schema: z.core.$ZodTypes, json: Json, reason: string): string | undefined {
  replaced(schema, json, ANYTHING)
  return isSaid(schema) ? undefined : reason
}

/** Puts keywords in place of all that stands there, beside what the schema's author says of it. */
function replaced(schema: z.core.$ZodTypes, json: Json, keywords: Json): undefined {
  for (const key of Object.keys(json)) delete json[key]
  Object.assign(json, keywords, saidOf(schema))
}

function remove(json: Json, ...keywords: readonly (keyof Json & string)[]): void {
  for (const keyword of keywords) delete json[keyword]
}

/** Whether a check such as `trim` changes the value, so that what the others say is not true of the value before or after. */
function isOverwritten({ _zod: { def } }: z.core.$ZodTypes): boolean {
  return def.checks?.some(({ _zod }) => _zod.def.check === 'overwrite') ?? false
}
