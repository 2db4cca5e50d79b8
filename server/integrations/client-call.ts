import type { JsonValue } from '../result.ts'

/** What clients may call without an action, as the integrations declare it. */
export type ClientCall<TIntegrations> = {
  [I in keyof TIntegrations & string]: TIntegrations[I] extends { readonly clients: 'none' }
    ? never
    : { readonly endpoint: `${I}/${string}`; readonly data?: JsonValue }
}[keyof TIntegrations & string]
