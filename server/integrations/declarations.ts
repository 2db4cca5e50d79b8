import type { z } from 'zod'
import type { JsonValue } from '../core/result.ts'

/** The data of an endpoint: a `z.strictObject`, so that no key is dropped silently. */
type InputSchema = z.ZodObject<z.ZodRawShape, z.core.$strict>

/** The cost of a call, in whole micro-credits (1 credit = 1 000 000), from 0 to 9e15. */
export type Price<TInput extends InputSchema = InputSchema, TOutput extends z.ZodType = z.ZodType> =
  /** The same for every call. */
  | number
  | {
      /** Computes the most that a call may cost. It is reserved until the answer comes. */
      reserve(input: z.output<TInput>): number
      /** Computes what the call cost. Above its reserve, only the reserve is charged. */
      charge(output: z.output<TOutput>, input: z.output<TInput>): number
    }

/** One endpoint of a provider. */
export interface EndpointDeclaration<
  TInput extends InputSchema = InputSchema,
  TOutput extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base URL, from its slash on: `/chat/completions`. */
  readonly path: `/${string}`
  /** The schema of the data. Its output is sent, and must be JSON. */
  readonly input: TInput
  /** The schema of the answer, which is passed on whole. @default any JSON */
  readonly output?: TOutput | undefined
  /** @default the input of a GET, nothing of others */
  query?(input: z.output<TInput>): Readonly<Record<string, string | number | boolean | undefined>>
  /** @default the input, but of a GET, which has none */
  body?(input: z.output<TInput>): JsonValue
  /** In ms, at most 110000, all tries together. @default 30000 */
  readonly timeoutMs?: number
  /**
   * How often a call is tried again, at most 5 times, while its time allows. What has certainly not been sent is
   * tried again with every method; what may have been done, with GET or an `idempotencyHeader` alone.
   *
   * @default 2
   */
  readonly retries?: number
  /** The header by which the provider recognizes a repeated call, such as `Idempotency-Key`. @default none */
  readonly idempotencyHeader?: string
  readonly price: Price<TInput, TOutput>
}

/** The app's credential at the provider. It is never put into a URL. */
export type SecretDeclaration =
  /** `Authorization: Bearer SECRET` */
  | { readonly env: string; readonly as: 'bearer' }
  /** `NAME: SECRET` */
  | { readonly env: string; readonly as: 'header'; readonly name: string }
  /** `Authorization: Basic USER:SECRET`, encoded */
  | { readonly env: string; readonly as: 'basic'; readonly user: string }

/** The provider's own address. Where its variables are not set, calls go through the proxy, if there is one. */
export interface DirectDeclaration {
  /** The variable that holds the base URL, and what it is where it is not set. @default no default */
  readonly baseUrl: { readonly env: string; readonly default?: string }
  /** @default the provider asks for none */
  readonly secret?: SecretDeclaration
  /** All endpoints. */
  readonly endpoints: Readonly<Record<string, EndpointDeclaration>>
}

/** Who pays for an integration, who may call it without an action, and its address. */
export type IntegrationDeclaration = {
  /** @default through the proxy alone */
  readonly direct?: DirectDeclaration
  /**
   * Whether its calls carry `traceparent`, where the app traces: for providers of your own, or who you share traces with.
   *
   * @default false
   */
  readonly trace?: boolean
} & (
  | {
      /** The app's owner pays. */
      readonly billing: 'developer'
      readonly clients: 'none' | 'users' | 'anyone'
    }
  | {
      /** The caller pays, so there must be one. */
      readonly billing: 'user'
      readonly clients: 'none' | 'users'
    }
)

export type IntegrationDeclarations = Readonly<Record<string, IntegrationDeclaration>>

/** Declares the app's integrations. `clients` has no default: openness is said on purpose. */
export function defineIntegrations<const T extends IntegrationDeclarations>(declarations: T): T {
  return declarations
}

/** Declares an endpoint, so that its functions are typed by its schemas. */
export function endpoint<TInput extends InputSchema, TOutput extends z.ZodType>(
  declaration: EndpointDeclaration<TInput, TOutput>,
): EndpointDeclaration<TInput, TOutput> {
  return declaration
}
