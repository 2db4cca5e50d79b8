// What `deputy types` has the compiler write: types without names. An interface is written by its name, so those below
// say what the compiler found, and `parseWrittenType` reads them.
import type { Page, RecordEnvelope } from '../core/record.ts'
import type { Failure, JsonValue, Success } from '../core/result.ts'
import type { QueryOptions } from '../tools/where-types.ts'

/** A primitive or a literal. */
export interface WrittenLeaf<TLeaf> {
  readonly written: TLeaf
}
export interface WrittenDate {
  readonly written: Date
}
export interface WrittenJson {
  readonly written: JsonValue
}
export interface WrittenFailure {
  readonly written: Failure
}
export interface WrittenSuccess<TData> {
  readonly written: TData
}
export interface WrittenEnvelope<TData> {
  readonly written: TData
}
export interface WrittenPage<TRecord> {
  readonly written: TRecord
}
export interface WrittenOptions<TRecord> {
  readonly written: TRecord
}
/** What no call carries. */
export interface WrittenRefusal<TWhat> {
  readonly written: TWhat
}
export interface WrittenQuery<TInput, TOutput> {
  readonly written: [TInput, TOutput]
}
export interface WrittenMutation<TInput, TOutput> {
  readonly written: [TInput, TOutput]
}
export interface WrittenCollection<TRecord, TCompared, TCreate, TPatch, TMerge> {
  readonly written: [TRecord, TCompared, TCreate, TPatch, TMerge]
}

/** A type without names. */
type Flat<T> =
  IsAny<T> extends true
    ? T
    : unknown extends T
      ? T
      : [T] extends [never]
        ? T
        : IsJson<Exclude<T, undefined>> extends true
          ? WrittenJson | WrittenMember<Extract<T, undefined>>
          : WrittenMember<T>

type IsAny<T> = 0 extends 1 & T ? true : false

/** Whether it is JSON of any depth: then a list of it is of its type too. */
type IsJson<T> = [T] extends [JsonValue]
  ? [readonly T[]] extends [T]
    ? true
    : [T[]] extends [T]
      ? true
      : false
  : false

type Bare = boolean | bigint | null

/** Each member of a union for itself. Fields stay optional and readonly, since the objects are mapped over `keyof T`. */
type WrittenMember<T> = T extends undefined
  ? T // Itself, by which the compiler knows whether an optional field may be undefined as well.
  : T extends Bare
    ? WrittenLeaf<T>
    : T extends string
      ? WrittenLeaf<T extends object ? string : `${T}`>
      : T extends number
        ? WrittenLeaf<T extends object ? number : T>
        : T extends object
          ? T extends Date
            ? WrittenDate
            : [NotCarried<T>] extends [never]
              ? [Named<T>] extends [never]
                ? { [K in keyof T]: Flat<T[K]> }
                : Named<T>
              : WrittenRefusal<NotCarried<T>>
          : T extends symbol
            ? WrittenRefusal<'a symbol'>
            : WrittenLeaf<T>

type NotCarried<T> = T extends (...args: never) => unknown
  ? 'a function'
  : T extends ReadonlyMap<unknown, unknown>
    ? 'a Map'
    : T extends ReadonlySet<unknown>
      ? 'a Set'
      : T extends ArrayBufferView | ArrayBuffer
        ? 'bytes'
        : T extends RegExp
          ? 'a RegExp'
          : T extends PromiseLike<unknown>
            ? 'a promise'
            : never

/** The types that the client's package has. */
type Named<T> =
  Same<T, Failure> extends true
    ? WrittenFailure
    : T extends Success<infer TData>
      ? IfSame<T, Success<TData>, WrittenSuccess<Flat<TData>>>
      : T extends RecordEnvelope<infer TData>
        ? IfSame<T, RecordEnvelope<TData>, WrittenEnvelope<Flat<TData>>>
        : T extends Page<infer TRecord>
          ? IfSame<T, Page<TRecord>, WrittenPage<Flat<TRecord>>>
          : T extends QueryOptions<infer TRecord>
            ? IfSame<T, QueryOptions<TRecord>, WrittenOptions<Flat<TRecord>>>
            : never

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false
type IfSame<A, B, TThen> = Same<A, B> extends true ? TThen : never

interface Procedure<TType, TInput, TOutput> {
  readonly _def: {
    readonly type: TType
    readonly $types: { readonly input: TInput; readonly output: TOutput }
  }
}

export type WrittenProcedure<T> =
  T extends Procedure<infer TType, infer TInput, infer TOutput>
    ? TType extends 'query'
      ? WrittenQuery<Flat<TInput>, Flat<TOutput>>
      : WrittenMutation<Flat<TInput>, Flat<TOutput>>
    : never

/** The types of a collection, as its procedures show them. */
export type WrittenProceduresOf<T> = T extends {
  readonly get: Procedure<'query', unknown, infer TGot>
  readonly list: Procedure<'query', infer TOptions, unknown>
  readonly create: Procedure<'mutation', infer TCreated, unknown>
  readonly update: Procedure<'mutation', infer TUpdated, unknown>
}
  ? WrittenCollection<
      TGot extends Success<{ readonly record: RecordEnvelope<infer TData> }> ? Flat<TData> : never,
      TOptions extends QueryOptions<infer TRecord> ? Flat<TRecord> : never,
      TCreated extends { readonly data: infer TData; readonly recordId?: undefined } ? Flat<TData> : never,
      TUpdated extends { readonly patch: infer TPatch } ? Flat<TPatch> : never,
      TCreated extends { readonly data: infer TData; readonly recordId: string } ? Flat<TData> : never
    >
  : never
