// The types of an app's collections, as rows. Everything that depends on the tables is worked out here, once for each
// collection. Names of fields come first, as unions, and objects are mapped over them.
import type { FieldBuilders } from '../../drizzle/engine/access.ts'
import type { CollectionDeclaration, DeclarationOf, SystemField } from '../../drizzle/engine/collection.ts'

/** The types of one collection, for tools and clients. */
export interface CollectionTypes {
  /** A record's own fields, as the app reads them. */
  readonly record: Readonly<Record<string, unknown>>
  /** The same as callers read it: where a role reads a part of the fields only, each of them may be absent. */
  readonly callerRecord: Readonly<Record<string, unknown>>
  /** What `where` compares with; unknown where it can only ask whether there is a value. */
  readonly compared: Readonly<Record<string, unknown>>
  /** What a new record is given. */
  readonly create: Readonly<Record<string, unknown>>
  /** What an update may write. */
  readonly patch: Readonly<Record<string, unknown>>
  /** The fields that `increment` adds to, with the type of what is added. */
  readonly amounts: Readonly<Record<string, unknown>>
  /** What some role may give a new record; never where none may create. */
  readonly callerCreate: Readonly<Record<string, unknown>>
  /** What some role may write in an update; never where none may update. */
  readonly callerPatch: Readonly<Record<string, unknown>>
  /** What some role may give for an upsert by merge; never where none may create or update. */
  readonly callerMerge: Readonly<Record<string, unknown>>
}

/** The row types of a collection. */
export type TypesOf<TTable> = TypesOfDeclaration<DeclarationOf<TTable>>

type TypesOfDeclaration<TDeclaration extends CollectionDeclaration> = string extends TDeclaration['name']
  ? CollectionTypes
  : DeclaredTypes<
      TDeclaration['fields'],
      WritableField<TDeclaration['fields'], TDeclaration['managed']>,
      TDeclaration['isHiding'],
      TDeclaration['creatable'],
      TDeclaration['updatable']
    >

/**
 * Objects are written out here, and in a conditional type, so that they have no names of their own: messages of the
 * compiler then show their fields.
 */
type DeclaredTypes<
  TFields extends FieldBuilders,
  TWritable extends keyof TFields & string,
  TIsHiding,
  TCreatable extends string,
  TUpdatable extends string,
> = TFields extends never
  ? never
  : {
      readonly record: { [K in keyof TFields & string]: Stored<TFields[K]['_']> }
      readonly callerRecord: TIsHiding extends true
        ? { [K in keyof TFields & string]?: Stored<TFields[K]['_']> }
        : { [K in keyof TFields & string]: Stored<TFields[K]['_']> }
      readonly compared: { [K in keyof TFields & string]: Compared<TFields[K]['_']> }
      readonly create: {
        [K in RequiredField<TFields, TWritable>]: Stored<TFields[K]['_']>
      } & {
        [K in OptionalField<TFields, TWritable>]?: Stored<TFields[K]['_']> | undefined
      } & NotWritten<SystemField | Exclude<keyof TFields & string, TWritable>>
      readonly patch: {
        [K in TWritable]?: Stored<TFields[K]['_']> | undefined
      } & NotWritten<SystemField | Exclude<keyof TFields & string, TWritable>>
      readonly amounts: { [K in CountableField<TFields, TWritable>]?: Amount<TFields[K]['_']> | undefined }
      readonly callerCreate: [TWritable & TCreatable] extends [never]
        ? never
        : {
            [K in RequiredField<TFields, TWritable & TCreatable>]: Stored<TFields[K]['_']>
          } & {
            [K in OptionalField<TFields, TWritable & TCreatable>]?: Stored<TFields[K]['_']> | undefined
          } & NotWritten<SystemField | Exclude<keyof TFields & string, TWritable & TCreatable>>
      readonly callerPatch: [TWritable & TUpdatable] extends [never]
        ? never
        : {
            [K in TWritable & TUpdatable]?: Stored<TFields[K]['_']> | undefined
          } & NotWritten<SystemField | Exclude<keyof TFields & string, TWritable & TUpdatable>>
      readonly callerMerge: [TWritable & (TCreatable | TUpdatable)] extends [never]
        ? never
        : {
            [K in TWritable & (TCreatable | TUpdatable)]?: Stored<TFields[K]['_']> | undefined
          } & NotWritten<SystemField | Exclude<keyof TFields & string, TWritable & (TCreatable | TUpdatable)>>
    }

/** Fields that a record has and data does not: excluded by name, so that a whole record is refused as data. */
type NotWritten<TField extends string> = { readonly [K in TField]?: undefined }

/** What a column's declaration says about its values. */
interface ColumnConfig {
  readonly data: unknown
  readonly dataType: string
  readonly columnType: string
}

type Value<TConfig extends ColumnConfig> = TConfig extends { readonly $type: infer TType }
  ? TType
  : TConfig['data']

type Stored<TConfig extends ColumnConfig> = TConfig extends { readonly notNull: true }
  ? Value<TConfig>
  : Value<TConfig> | null

/** Neither JSON nor geometry can be compared, whatever the type of their values. */
type Compared<TConfig extends ColumnConfig> = TConfig['dataType'] extends 'json'
  ? unknown
  : TConfig['dataType'] extends 'array'
    ? TConfig['columnType'] extends 'PgArray'
      ? Stored<TConfig>
      : unknown
    : Stored<TConfig>

/** A decimal that is kept as text takes text as well. */
type Amount<TConfig extends ColumnConfig> = TConfig['columnType'] extends 'PgNumeric'
  ? number | string
  : number | bigint

type CountableField<
  TFields extends FieldBuilders,
  TField extends keyof TFields & string,
> = TField extends unknown
  ? TFields[TField]['_'] extends
      | { readonly columnType: 'PgNumeric' }
      | { readonly dataType: 'number' | 'bigint' }
    ? TField
    : never
  : never

/** The fields that data writes: what is managed by the system or written by the database alone is none of them. */
type WritableField<TFields extends FieldBuilders, TManaged extends string> = {
  [K in keyof TFields & string]: K extends TManaged
    ? never
    : TFields[K]['_'] extends WrittenByDatabase
      ? never
      : K
}[keyof TFields & string]

type WrittenByDatabase =
  | { readonly identity: 'always' }
  | { readonly generated: { readonly type: 'always' } }
  | { readonly columnType: 'PgSerial' | 'PgSmallSerial' | 'PgBigSerial53' | 'PgBigSerial64' }

type RequiredField<
  TFields extends FieldBuilders,
  TField extends keyof TFields & string,
> = TField extends unknown
  ? TFields[TField]['_'] extends { readonly notNull: true }
    ? TFields[TField]['_'] extends { readonly hasDefault: true }
      ? never
      : TField
    : never
  : never

type OptionalField<TFields extends FieldBuilders, TField extends keyof TFields & string> = Exclude<
  TField,
  RequiredField<TFields, TField>
>
