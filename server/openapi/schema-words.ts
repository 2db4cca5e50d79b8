import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../core/is-record.ts'
import type { JsonObject, JsonValue } from '../core/result.ts'

/** A document whose references lead nowhere. */
class UnusableDocument extends Error {
  override readonly name = 'UnusableDocument'
}

const MAX_REFERENCES = 20

/** Follows the references of a document. @throws {UnusableDocument} where one leads nowhere, or around */
export function resolved(value: JsonValue | undefined, document: JsonObject): JsonValue | undefined {
  let at = value
  for (let steps = 0; isRecord(at) && typeof at.$ref === 'string'; steps += 1) {
    const { $ref } = at
    if (steps === MAX_REFERENCES) throw new UnusableDocument(`the reference ${$ref} leads around`)
    at = $ref
      .replace(/^#\//, '')
      .split('/')
      .reduce<JsonValue | undefined>((within, key) => memberOf(within, unescaped(key)), document)
    if (at === undefined) throw new UnusableDocument(`the reference ${$ref} leads nowhere`)
  }
  return at
}

function memberOf(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isRecord(value) && Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined
}

/** A part of a JSON Pointer (RFC 6901, 4). */
function unescaped(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~')
}

const TOLD: ReadonlySet<string> = new Set(
  'description title examples default deprecated readOnly writeOnly $comment $schema $id'.split(' '),
)

/** Gives all that asserts something, and not what only tells. */
export function assertions(schema: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schema).filter(([word]) => !TOLD.has(word) && !word.startsWith('x-')),
  )
}

/** Whether nothing is what a schema says. */
export function isNothing(schema: JsonValue | undefined): boolean {
  return schema === false || (isRecord(schema) && (schema.not === true || isDeepStrictEqual(schema.not, {})))
}

export function optionsOf(schema: JsonObject): readonly JsonValue[] | undefined {
  const options = schema.anyOf ?? schema.oneOf
  return Array.isArray(options) ? options : undefined
}

export function valuesOf(schema: JsonObject): readonly JsonValue[] | undefined {
  if ('const' in schema && schema.const !== undefined) return [schema.const]
  return Array.isArray(schema.enum) ? schema.enum : undefined
}

export function typesOf(schema: JsonObject): readonly JsonValue[] | undefined {
  if (schema.type === undefined) return undefined
  return Array.isArray(schema.type) ? schema.type : [schema.type]
}

export function typeOfValue(value: JsonValue): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value
}

export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return isRecord(value) ? (value as JsonObject) : {}
}
