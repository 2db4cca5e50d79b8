import { useQuery } from '@tanstack/react-query'
import type { JsonSchema, Schemas } from '../form/schema.ts'
import { call, isWorthRetry } from './call.ts'

export interface Operation {
  readonly summary?: string
  readonly description?: string
  readonly deprecated?: boolean
  readonly parameters?: readonly { readonly name: string; readonly schema?: JsonSchema }[]
  readonly 'x-action'?: { readonly kind: 'query' | 'mutation'; readonly callers: string }
  readonly requestBody?: {
    readonly content: { readonly 'application/json': { readonly schema: JsonSchema } }
  }
}

/** As much of the app's OpenAPI document as is read here. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, { readonly get?: Operation; readonly post?: Operation }>>
  readonly components: { readonly schemas: Schemas }
}

/** Reads what of the app's document is `selected`. @param selected the same function each time */
export function useDocument<T>(selected: (document: ApiDocument) => T) {
  return useQuery({
    queryKey: ['document'],
    queryFn: async () => (await call<ApiDocument>('/openapi.json')).data,
    select: selected,
    staleTime: 60_000,
    retry: isWorthRetry,
  })
}
