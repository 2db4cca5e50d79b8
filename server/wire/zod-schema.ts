import { z } from 'zod'
import { isRecord } from '../core/is-record.ts'

/** A schema of zod's, whatever it takes. */
export type Schema = z.core.$ZodType

/** What a schema is: the one description of zod's kinds, which everything that looks into schemas switches over. */
export type Shape = Kind & {
  /** All that it is directly made of: what is sent, what comes of it, keys and values. */
  readonly parts: readonly Schema[]
}

/** A schema's shape whose kind is known. */
export type ShapeOf<K extends Shape['kind']> = Shape & { readonly kind: K }

type Kind =
  | { readonly kind: 'leaf'; readonly type: Leaf }
  | { readonly kind: 'literal'; readonly values: readonly unknown[] }
  /** Takes anything, or what a function of the app's takes. */
  | { readonly kind: 'anything'; readonly hasRule: boolean }
  | { readonly kind: 'transform' }
  /** `others` is for keys that are no property. */
  | { readonly kind: 'object'; readonly properties: Properties; readonly others: Schema | undefined }
  | { readonly kind: 'record'; readonly key: Schema; readonly value: Schema }
  | { readonly kind: 'map'; readonly key: Schema; readonly value: Schema }
  | { readonly kind: 'array' | 'set'; readonly item: Schema }
  | { readonly kind: 'tuple'; readonly items: readonly Schema[]; readonly rest: Schema | undefined }
  | { readonly kind: 'union'; readonly options: readonly Schema[]; readonly tag: Tag | undefined }
  | { readonly kind: 'intersection'; readonly left: Schema; readonly right: Schema }
  | { readonly kind: 'pipe'; readonly in: Schema; readonly out: Schema; readonly isTransformed: boolean }
  | { readonly kind: 'wrapper'; readonly type: Wrapper; readonly inner: Schema }
  | { readonly kind: 'success' | 'promise' | 'lazy'; readonly inner: Schema }
  | { readonly kind: 'template' | 'function' }
  /** A kind that zod has got since: nothing is known of what it takes and is made of. */
  | { readonly kind: 'unrecognized' }

/** Made of nothing, and takes values of one type. */
type Leaf = Extract<
  Definition['type'],
  | 'string'
  | 'number'
  | 'boolean'
  | 'bigint'
  | 'date'
  | 'symbol'
  | 'undefined'
  | 'null'
  | 'void'
  | 'never'
  | 'nan'
  | 'enum'
  | 'file'
>
/** Hands the value on to another schema. */
type Wrapper = Extract<
  Definition['type'],
  'optional' | 'nullable' | 'default' | 'prefault' | 'catch' | 'readonly' | 'nonoptional'
>
type Definition = z.core.$ZodTypes['_zod']['def']
type Properties = Readonly<Record<string, Schema>>

/** How a discriminated union finds its option. */
interface Tag {
  readonly key: string
  /** Whether the other options are tried where none has the tag. */
  readonly hasFallback: boolean
  /** The option that has a value for its tag. */
  optionOf(value: unknown): Schema | undefined
}

const shapes = new WeakMap<Schema, Shape>()

/** Gives a schema's shape. Computed once per schema; a `z.lazy` is asked for its own then. */
export function shapeOf(schema: Schema): Shape {
  let shape = shapes.get(schema)
  if (!shape) {
    shape = describe(schema)
    shapes.set(schema, shape)
  }
  return shape
}

/** Gives the schema that a member of an object meets, by its key. */
export function propertyOf(
  { properties, others }: ShapeOf<'object'>,
  key: string | number,
): Schema | undefined {
  return Object.hasOwn(properties, key) ? properties[key] : others
}

/** Gives the schema that a member of a tuple meets, by its place. */
export function itemOf({ items, rest }: ShapeOf<'tuple'>, at: number): Schema | undefined {
  return items[at] ?? rest
}

/** Gives the schemas by which a schema's checks look at its value, as those of `z.property` do. */
export function schemasOfChecks(schema: Schema): readonly Schema[] {
  return checksOf(schema)
    .flatMap(({ _zod: { def } }) => Object.values(def))
    .flatMap((held: unknown) => [held, ...(isRecord(held) ? Object.values(held) : [])])
    .filter(isSchema)
}

/** Whether a schema, by itself, runs a function that the app has written and that may be asynchronous. */
export function runsFunction(schema: Schema): boolean {
  const shape = shapeOf(schema)
  switch (shape.kind) {
    case 'transform':
    case 'promise':
    case 'function':
    case 'unrecognized':
      return true
    case 'anything':
      return shape.hasRule
    case 'pipe':
      return shape.isTransformed || isCheckedByFunction(schema)
    default:
      return isCheckedByFunction(schema)
  }
}

function isCheckedByFunction(schema: Schema): boolean {
  const isOfApp = checksOf(schema).some(({ _zod: { def } }) => def.check === 'custom')
  return isOfApp || schemasOfChecks(schema).length > 0
}

function checksOf({ _zod: { def } }: Schema): readonly z.core.$ZodCheck<never>[] {
  return def.checks ?? []
}

function isSchema(value: unknown): value is Schema {
  return value instanceof z.core.$ZodType
}

const NONE: readonly Schema[] = []

function describe(schema: Schema): Shape {
  // Zod's own way for tools: every schema it builds is one of $ZodTypes; `type` is read before anything else.
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
    case 'date':
    case 'symbol':
    case 'undefined':
    case 'null':
    case 'void':
    case 'never':
    case 'nan':
    case 'enum':
    case 'file':
      return { kind: 'leaf', type: def.type, parts: NONE }
    case 'literal':
      return { kind: 'literal', values: def.values, parts: NONE }
    case 'any':
    case 'unknown':
      return { kind: 'anything', hasRule: checksOf(schema).length > 0, parts: NONE }
    case 'custom':
      return { kind: 'anything', hasRule: true, parts: NONE }
    case 'transform':
      return { kind: 'transform', parts: NONE }
    case 'object': {
      const { shape: properties, catchall: others } = def
      return { kind: 'object', properties, others, parts: given([...Object.values(properties), others]) }
    }
    case 'record':
    case 'map':
      return {
        kind: def.type,
        key: def.keyType,
        value: def.valueType,
        parts: [def.keyType, def.valueType],
      }
    case 'array':
      return { kind: 'array', item: def.element, parts: [def.element] }
    case 'set':
      return { kind: 'set', item: def.valueType, parts: [def.valueType] }
    case 'tuple': {
      const { items, rest } = def
      return { kind: 'tuple', items, rest: rest ?? undefined, parts: given([...items, rest]) }
    }
    case 'union':
      return { kind: 'union', options: def.options, tag: tagOf(schema), parts: def.options }
    case 'intersection':
      return { kind: 'intersection', left: def.left, right: def.right, parts: [def.left, def.right] }
    case 'pipe': {
      // A codec has its function between two schemas, and a transform is one of the two.
      const isTransformed = def.transform !== undefined || [def.in, def.out].some(isTransform)
      return { kind: 'pipe', in: def.in, out: def.out, isTransformed, parts: [def.in, def.out] }
    }
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
      return { kind: 'wrapper', type: def.type, inner: def.innerType, parts: [def.innerType] }
    case 'success':
    case 'promise':
      return { kind: def.type, inner: def.innerType, parts: [def.innerType] }
    case 'lazy': {
      const inner = (schema as z.core.$ZodLazy)._zod.innerType // As its type says.
      return { kind: 'lazy', inner, parts: [inner] }
    }
    case 'template_literal':
      return { kind: 'template', parts: def.parts.flatMap((part) => (isSchema(part) ? [part] : [])) }
    case 'function':
      return { kind: 'function', parts: [def.input, def.output] }
    default:
      // A kind that zod gets one day does not compile here, and is trusted with nothing where it comes all the same.
      def satisfies never
      return { kind: 'unrecognized', parts: NONE }
  }
}

function given(schemas: readonly (Schema | null | undefined)[]): readonly Schema[] {
  return schemas.filter((schema) => schema !== undefined && schema !== null)
}

function isTransform(schema: Schema): boolean {
  return schema._zod.def.type === 'transform'
}

function tagOf(schema: Schema): Tag | undefined {
  if (!(schema instanceof z.core.$ZodDiscriminatedUnion)) return undefined
  const { discriminator: key, options, unionFallback = false } = schema._zod.def
  return {
    key,
    hasFallback: unionFallback,
    optionOf: (value) =>
      options.find(({ _zod }) => _zod.propValues?.[key]?.has(value as z.core.util.Primitive)),
  }
}
