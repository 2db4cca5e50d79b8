import { collectionDefinition } from '../../drizzle/engine/collection.ts'
import { isWrittenByDatabase } from '../../drizzle/engine/column-types/describe-column.ts'
import type { JsonObject } from '../core/result.ts'
import type { CatalogEntry } from '../tools/catalog.ts'
import { referencesOf } from '../tools/constraints.ts'
import { jsonSchemaOf } from '../wire/json-schema.ts'
import { type Components, reference } from './components.ts'
import { jsonParameter, operation, pathParameter, queryParameter } from './operation.ts'

const TEXT: JsonObject = { type: 'string' }
const NULL: JsonObject = { type: 'null' }

/** The names of a collection's schemas. */
interface Names {
  readonly record: JsonObject
  readonly where: JsonObject
}

/** Describes what a record and a `where` of a collection are. */
function describeCollection(components: Components, entry: CatalogEntry): Names {
  const { name } = entry
  const where = reference(`where.${name}`)
  return {
    record: components.add(`record.${name}`, recordSchema(entry)),
    where: components.add(`where.${name}`, whereSchema(entry, where)),
  }
}

function recordSchema(entry: CatalogEntry): JsonObject {
  const instant = describedAs(entry, 'createdAt', 'output')
  const references = referencesOf(entry.table, entry.columns)
  const roles = [...(collectionDefinition(entry.table)?.access.roles.values() ?? [])]
  const isHiding = roles.some(({ readableFields }) => readableFields !== undefined)
  const data = Object.fromEntries(
    entry.fields.map((field) => {
      const value = describedAs(entry, field, 'output')
      const told = entry.columns.get(field)?.notNull ? value : orNull(value)
      const collection = references.get(field)
      return [field, collection === undefined ? told : { ...told, 'x-references': collection }]
    }),
  )
  return {
    type: 'object',
    properties: {
      recordId: TEXT,
      data: {
        type: 'object',
        description: isHiding ? 'The fields that the caller may read.' : 'Its own fields.',
        properties: data,
        ...(isHiding || entry.fields.length === 0 ? {} : { required: [...entry.fields] }),
        additionalProperties: false,
      },
      createdBy: orNull(TEXT),
      createdAt: orNull(instant),
      updatedAt: orNull(instant),
      version: { type: 'integer' },
      unreadable: {
        type: 'array',
        items: TEXT,
        description: 'Fields whose stored value JSON cannot hold: they are null, whatever their type says.',
      },
    },
    required: ['recordId', 'data', 'createdBy', 'createdAt', 'updatedAt', 'version'],
    additionalProperties: false,
  }
}

function whereSchema(entry: CatalogEntry, self: JsonObject): JsonObject {
  const conditions = [...entry.types.keys()]
    .filter((field) => field !== 'version')
    .map((field) => [field, conditionOn(entry, field)])
  return {
    type: 'object',
    properties: {
      ...Object.fromEntries(conditions),
      AND: { type: 'array', items: self },
      OR: { type: 'array', items: self },
      NOT: self,
    },
    additionalProperties: false,
  }
}

function conditionOn(entry: CatalogEntry, field: string): JsonObject {
  const type = entry.types.get(field)
  const isNull: JsonObject = { type: 'boolean' }
  if (type?.element) {
    const { schema: has } = jsonSchemaOf(type.element.operand ?? type.element.schema, 'input')
    return { anyOf: [NULL, comparison({ has, isNull })] }
  }
  if (!type?.isComparable) return { anyOf: [NULL, comparison({ isNull })] }
  const value = describedAs(entry, field, 'operand')
  const list: JsonObject = { type: 'array', items: value }
  const order = { gt: value, gte: value, lt: value, lte: value, in: list, notIn: list, isNull }
  const isText = entry.columns.get(field)?.dataType === 'string'
  return {
    anyOf: [
      value,
      NULL,
      comparison({
        eq: orNull(value),
        ne: orNull(value),
        ...order,
        ...(isText ? { contains: TEXT, startsWith: TEXT } : {}),
      }),
    ],
  }
}

function comparison(properties: JsonObject): JsonObject {
  return { type: 'object', properties, additionalProperties: false }
}

function describedAs(entry: CatalogEntry, field: string, as: 'input' | 'output' | 'operand'): JsonObject {
  const type = entry.types.get(field)
  const schema = as === 'operand' ? entry.valueSchemas.get(field) : type?.schema
  if (!schema) return {}
  const { schema: json, gaps } = jsonSchemaOf(schema, as === 'output' ? 'output' : 'input')
  // Definitions of its own would have to be named: such a field holds any JSON.
  if ('$defs' in json || gaps.length > 0) return {}
  return json
}

function orNull(schema: JsonObject): JsonObject {
  return Object.keys(schema).length === 0 ? schema : { anyOf: [schema, NULL] }
}

/** What is written: all fields, those that must be given required. */
function dataSchema(entry: CatalogEntry, required: readonly string[]): JsonObject {
  const properties = entry.fields.flatMap((field): [string, JsonObject][] => {
    const column = entry.columns.get(field)
    if (!column || entry.managed.has(field) || isWrittenByDatabase(column)) return []
    const value = describedAs(entry, field, 'input')
    return [[field, column.notNull ? value : orNull(value)]]
  })
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length > 0 ? { required: [...required] } : {}),
    additionalProperties: false,
  }
}

/** The parameters of a list of records. */
export function listParameters(entry: CatalogEntry, where: JsonObject): readonly JsonObject[] {
  const orders = [...entry.types].filter(([field, type]) => field !== 'version' && type.isComparable)
  return [
    jsonParameter('where', where),
    queryParameter('orderBy', { type: 'string', enum: orders.map(([field]) => field) }),
    queryParameter('orderDir', { type: 'string', enum: ['asc', 'desc'] }),
    queryParameter('limit', { type: 'integer', minimum: 1, maximum: 1_000 }),
    queryParameter('cursor', TEXT),
  ]
}

/** A page of records. */
export function pageOf(record: JsonObject): JsonObject {
  return {
    type: 'object',
    properties: {
      records: { type: 'array', items: record },
      count: { type: 'integer', minimum: 0, description: 'How many records are on this page.' },
      nextCursor: { type: ['string', 'null'] },
    },
    required: ['records', 'count', 'nextCursor'],
    additionalProperties: false,
  }
}

/** A page as a stream shows it. */
function livePageOf(record: JsonObject): JsonObject {
  return {
    type: 'object',
    properties: {
      records: { type: 'array', items: record },
      count: { type: 'integer', minimum: 0 },
      hasMore: { type: 'boolean', description: 'Whether more records match than the page holds.' },
    },
    required: ['records', 'count', 'hasMore'],
    additionalProperties: false,
  }
}

function answer(name: string, value: JsonObject): JsonObject {
  return {
    type: 'object',
    properties: { [name]: value },
    required: [name],
    additionalProperties: false,
  }
}

/** The paths of a collection. */
export function recordPaths(components: Components, entry: CatalogEntry): JsonObject {
  const { name } = entry
  const { record, where } = describeCollection(components, entry)
  const owner = collectionDefinition(entry.table)?.access.ownerField
  const create = components.add(
    `create.${name}`,
    dataSchema(
      entry,
      entry.required.filter((field) => field !== owner && !entry.managed.has(field)),
    ),
  )
  const patch = components.add(`patch.${name}`, dataSchema(entry, []))
  const common = { tags: ['records'], isOpen: true, usesRecords: true }
  const written = { ...common, data: answer('recordId', TEXT), key: 'taken' } as const
  const id = pathParameter('recordId', 'The id of a record.')
  const address = `/api/records/${encodeURIComponent(name)}`
  return {
    [address]: {
      get: operation({
        ...common,
        id: `records.${name}.list`,
        summary: `Lists records of ${name} that the caller may read`,
        description:
          'To those who accept `text/event-stream`: a stream of the first page, which takes no cursor, and at most 200 records.',
        parameters: listParameters(entry, where),
        data: pageOf(record),
        events: livePageOf(record),
      }),
      post: operation({
        ...written,
        id: `records.${name}.create`,
        summary: `Creates a record of ${name}`,
        body: { schema: create, isRequired: true },
      }),
    },
    [`${address}/{recordId}`]: {
      get: operation({
        ...common,
        id: `records.${name}.get`,
        summary: `Gets a record of ${name}`,
        description:
          'To those who accept `text/event-stream`: a stream of the record, null where there is none that the caller may read.',
        parameters: [id],
        data: answer('record', record),
        events: answer('record', orNull(record)),
      }),
      put: operation({
        ...written,
        id: `records.${name}.upsert`,
        summary: `Creates a record of ${name} with this id, or merges into it`,
        parameters: [id],
        body: { schema: patch, isRequired: true },
      }),
      patch: operation({
        ...written,
        id: `records.${name}.update`,
        summary: `Changes fields of a record of ${name}`,
        parameters: [id, queryParameter('ifVersion', { type: 'integer', minimum: 0 })],
        body: { schema: patch, isRequired: true },
      }),
      delete: operation({
        ...written,
        id: `records.${name}.remove`,
        summary: `Removes a record of ${name}`,
        parameters: [id],
      }),
    },
  }
}
