import type { z } from 'zod'
import type { JsonValue } from '../core/result.ts'
import type { EndpointDeclaration } from './declarations.ts'

/** The endpoints that an integration declares; never where the proxy alone knows them. */
type EndpointsOf<T> = T extends { readonly direct: { readonly endpoints: infer E } } ? E : never

/** `integration/endpoint` of every declared endpoint. */
export type DeclaredEndpoint<T> = {
  [I in keyof T & string]: `${I}/${keyof EndpointsOf<T[I]> & string}`
}[keyof T & string]

type DeclarationOf<T, N> = N extends `${infer I}/${infer E}`
  ? I extends keyof T
    ? E extends keyof EndpointsOf<T[I]>
      ? EndpointsOf<T[I]>[E]
      : never
    : never
  : never

/** Whether the integration declares all of its endpoints. */
type IsClosed<T, N> = N extends `${infer I}/${string}`
  ? I extends keyof T
    ? [EndpointsOf<T[I]>] extends [never]
      ? false
      : true
    : false
  : false

/** The name, unless its integration is declared without such an endpoint. */
export type EndpointName<T, N extends string> = [DeclarationOf<T, N>] extends [never]
  ? IsClosed<T, N> extends true
    ? DeclaredEndpoint<T>
    : N
  : N

/** The argument that an endpoint takes: optional where its schema accepts no data. */
export type EndpointData<T, N extends string> = [DeclarationOf<T, N>] extends [never]
  ? [data?: JsonValue]
  : DeclarationOf<T, N> extends { readonly input: infer I extends z.ZodType }
    ? Record<never, never> extends z.input<I>
      ? [data?: z.input<I>]
      : [data: z.input<I>]
    : never

/** What an endpoint answers. */
export type EndpointAnswer<T, N extends string> = [DeclarationOf<T, N>] extends [never]
  ? JsonValue
  : DeclarationOf<T, N> extends EndpointDeclaration<infer _I, infer O>
    ? unknown extends z.input<O>
      ? JsonValue
      : z.input<O>
    : never

/** The data that is sent to an endpoint: the output of its schema. */
export type SentData<T, N extends string> =
  DeclarationOf<T, N> extends {
    readonly input: infer I extends z.ZodType
  }
    ? z.output<I>
    : JsonValue

/** The integrations that clients may call without an action. */
type Open<T> = {
  [I in keyof T as T[I] extends { readonly clients: 'none' } ? never : I]: T[I]
}

/** An integration's endpoints; any name where the proxy alone knows them. */
type EndpointOf<T, I extends keyof T & string> = [DeclaredEndpoint<Pick<T, I>>] extends [never]
  ? `${I}/${string}`
  : DeclaredEndpoint<Pick<T, I>>

type CallOf<T, N extends string> = N extends string
  ? [] extends EndpointData<T, N>
    ? { readonly endpoint: N; readonly data?: EndpointData<T, N>[0] | undefined }
    : { readonly endpoint: N; readonly data: EndpointData<T, N>[0] }
  : never

type CallsOf<T> = { [I in keyof T & string]: CallOf<T, EndpointOf<T, I>> }[keyof T & string]

/** What `integrations.request` takes: an endpoint that is open to clients, and its data. */
export type ClientCall<TIntegrations> = CallsOf<Open<TIntegrations>>
