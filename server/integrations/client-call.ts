import type { DeclaredEndpoint, EndpointData } from './endpoint-types.ts'

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
