import { type JsonSchema, resolved, type Schemas, variantsOf } from '../../form/schema.ts'
import { type ApiDocument, useDocument } from '../../shell/document.ts'

/** What one field can be compared by: an operator, and the schema of what it compares with. */
export type Operators = ReadonlyMap<string, JsonSchema>

/** A collection, as the app's document describes it. */
export interface CollectionInfo {
  readonly name: string
  /** Its own fields, in order. */
  readonly fields: readonly string[]
  /** By field, the system's included: those that can be in a condition. */
  readonly operators: ReadonlyMap<string, Operators>
  /** What a list can be ordered by. */
  readonly orders: readonly string[]
  /** The fields that `records` may change. */
  readonly patch: JsonSchema
  /** The fields that hold instants. */
  readonly instants: ReadonlySet<string>
  /** The collection that a field refers to. */
  readonly references: ReadonlyMap<string, string>
}

export interface CollectionList {
  readonly collections: readonly CollectionInfo[]
  readonly schemas: Schemas
}

const PREFIX = '/api/records/'

/** Reads what collections there are. */
export function useCollections() {
  return useDocument(collectionsOf)
}

function collectionsOf({ paths, components: { schemas } }: ApiDocument): CollectionList {
  const collections = Object.entries(paths).flatMap(([path, { get }]): CollectionInfo[] => {
    if (!path.startsWith(PREFIX) || path.includes('{')) return []
    const name = decodeURIComponent(path.slice(PREFIX.length))
    const fields = schemas[`record.${name}`]?.properties?.data?.properties ?? {}
    const orderBy = get?.parameters?.find((parameter) => parameter.name === 'orderBy')
    return [
      {
        name,
        fields: Object.keys(fields),
        operators: operatorsOf(schemas[`where.${name}`] ?? {}, schemas),
        orders: (orderBy?.schema?.enum ?? []).map(String),
        patch: schemas[`patch.${name}`] ?? {},
        instants: new Set(
          Object.keys(fields).filter((field) =>
            variantsOf(fields[field] ?? {}, schemas).some(({ format }) => format === 'date-time'),
          ),
        ),
        references: new Map(
          Object.entries(fields).flatMap(([field, schema]) => {
            const collection = schema['x-references']
            return collection === undefined ? [] : [[field, collection]]
          }),
        ),
      },
    ]
  })
  return { collections, schemas }
}

const GROUPS: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT'])

function operatorsOf({ properties = {} }: JsonSchema, schemas: Schemas): CollectionInfo['operators'] {
  return new Map(
    Object.entries(properties).flatMap(([field, condition]): [string, Operators][] => {
      if (GROUPS.has(field)) return []
      const comparison = variantsOf(resolved(condition, schemas), schemas).find(
        ({ type }) => type === 'object',
      )
      const operators = Object.entries(comparison?.properties ?? {})
      return [[field, new Map(operators.map(([name, schema]) => [name, withoutNull(schema, schemas)]))]]
    }),
  )
}

/** Empty fields are found by `isNull`. */
function withoutNull(schema: JsonSchema, schemas: Schemas): JsonSchema {
  const variants = variantsOf(resolved(schema, schemas), schemas).filter(({ type }) => type !== 'null')
  const [only] = variants
  return variants.length === 1 && only ? only : schema
}

/** The collections that refer to one, each by a field of theirs. */
export function referrersOf(
  { collections }: CollectionList,
  target: string,
): readonly { readonly collection: string; readonly field: string }[] {
  return collections.flatMap(({ name, references }) =>
    [...references].flatMap(([field, to]) => (to === target ? [{ collection: name, field }] : [])),
  )
}
