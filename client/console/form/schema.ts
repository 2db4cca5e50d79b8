/** As much of JSON Schema as the app's document uses for inputs. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly title?: string
  readonly description?: string
  readonly format?: string
  readonly pattern?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  /** The collection whose records an id names. */
  readonly 'x-references'?: string
  readonly writeOnly?: boolean
  readonly secret?: boolean
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
}

export type Schemas = Readonly<Record<string, JsonSchema>>

const REFERENCE = '#/components/schemas/'

/** Follows a reference of the document. */
export function resolved(schema: JsonSchema, schemas: Schemas): JsonSchema {
  const { $ref, ...beside } = schema
  if ($ref === undefined || !$ref.startsWith(REFERENCE)) return schema
  return { ...resolved(schemas[$ref.slice(REFERENCE.length)] ?? {}, schemas), ...beside }
}

/** The kinds of values that one schema takes: a union's, or itself. */
export function variantsOf(schema: JsonSchema, schemas: Schemas): readonly JsonSchema[] {
  const union = schema.anyOf ?? schema.oneOf
  if (union) return union.map((each) => resolved(each, schemas))
  const { type } = schema
  if (Array.isArray(type)) return (type as readonly string[]).map((each) => ({ ...schema, type: each }))
  return [schema]
}

/** What kind of field a schema has. */
export type FieldKind =
  | 'object'
  | 'array'
  | 'choice'
  | 'boolean'
  | 'number'
  | 'instant'
  | 'text'
  | 'null'
  | 'json'

/** Decides the field of a schema that is no union. */
export function kindOf(schema: JsonSchema): FieldKind {
  if (schema.enum || schema.const !== undefined) return 'choice'
  switch (schema.type) {
    case 'object':
      return schema.properties ? 'object' : 'json'
    case 'array':
      return schema.items ? 'array' : 'json'
    case 'boolean':
      return 'boolean'
    case 'number':
    case 'integer':
      return 'number'
    case 'string':
      return schema.format === 'date-time' ? 'instant' : 'text'
    case 'null':
      return 'null'
    default:
      return 'json'
  }
}

/** What a new value of a schema is: the fields that must be there, and nothing that no one has said. */
export function blankOf(given: JsonSchema, schemas: Schemas): unknown {
  const [schema = given] = variantsOf(resolved(given, schemas), schemas)
  if (schema.const !== undefined) return schema.const
  switch (kindOf(schema)) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).flatMap((name) => {
          const value = blankOf(schema.properties?.[name] ?? {}, schemas)
          return value === undefined ? [] : [[name, value]]
        }),
      )
    case 'array':
      return []
    case 'null':
      return null
    default:
      return undefined
  }
}

/** Whether a value looks like one of a schema: enough to know which of a union it is. */
export function looksLike(value: unknown, schema: JsonSchema, schemas: Schemas): boolean {
  if (schema.const !== undefined) return value === schema.const
  if (schema.enum) return schema.enum.includes(value)
  switch (kindOf(schema)) {
    case 'object':
      return isObject(value) && hasTheConstants(value, schema, schemas)
    case 'array':
      return Array.isArray(value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'number':
      return typeof value === 'number'
    case 'null':
      return value === null
    case 'json':
      return value !== undefined
    default:
      return typeof value === 'string'
  }
}

/** What tells the objects of a union apart is a constant in each. */
function hasTheConstants(value: Readonly<Record<string, unknown>>, schema: JsonSchema, schemas: Schemas) {
  return Object.entries(schema.properties ?? {}).every(([name, given]) => {
    const { const: constant } = resolved(given, schemas)
    return constant === undefined || value[name] === constant
  })
}

/** What one of a union is called. */
export function nameOf(schema: JsonSchema, schemas: Schemas): string {
  if (schema.title !== undefined) return schema.title
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const constants = Object.entries(schema.properties ?? {}).flatMap(([name, given]) => {
    const { const: constant } = resolved(given, schemas)
    return constant === undefined ? [] : [`${name} ${JSON.stringify(constant)}`]
  })
  if (constants.length > 0) return constants.join(', ')
  if (schema.type === 'string') return schema.format === 'date-time' ? 'date and time' : 'text'
  return String(schema.type ?? 'anything')
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
