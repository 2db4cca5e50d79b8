import type { z } from 'zod'
import type { ActionResult, JsonValue } from '../core/result.ts'

/** Who pays for an outbound call. */
export type Payer = 'owner' | 'caller'

/** Who may call an integration without an action. */
export type Clients = 'none' | 'users' | 'anyone'

/** A planned call of a provider, decided from configuration and checked data alone. Nothing is sent yet. */
export interface OutboundCall {
  /** `integration/endpoint`, from the checked text. */
  readonly name: string
  readonly integration: string
  readonly endpoint: string
  readonly payer: Payer
  readonly transport: 'direct' | 'proxy'
  /** The data that is sent: the output of the endpoint's schema. */
  readonly data: JsonValue
  /** The most that it costs, in whole micro-credits; 0 through the proxy, which bills by itself. */
  readonly reserve: number
  /** Whether the provider recognizes a repeated call by its key, so that it may be sent again when its outcome is unknown. */
  readonly takesKey: boolean
  /** Whether it is sent with the caller's own token, which is never stored. */
  readonly needsCallerJwt: boolean
}

export interface SendOptions {
  /** The caller's token; undefined for a caller without one, and for a message of the outbox. */
  readonly callerJwt: string | undefined
  /** The side effect's id, sent to a provider that takes an idempotency key. */
  readonly idempotencyKey: string
  /** Whether a server that died may have sent it before. @default false */
  readonly isResent?: boolean
  /** What tells the provider what the call is a part of; sent where the integration is declared so. @default nothing */
  readonly traceHeaders?: Readonly<Record<string, string>> | undefined
  /** Milliseconds that are left; the endpoint's own timeout counts where it is shorter. */
  readonly timeoutMs: number
}

/**
 * The outcome of a side effect: `answered`, it happened or the provider broke down; `nothing`, it surely did not happen,
 * because it was not sent or was refused; `unknown`.
 */
export type SideEffectOutcome = 'answered' | 'nothing' | 'unknown'

/** The answer to an outbound call. */
export interface OutboundAnswer {
  /** The provider's body, or a failure. Its `details.outcome` is `unknown` where the side effect may have happened. */
  readonly result: ActionResult<JsonValue>
  readonly outcome: SideEffectOutcome
  /** The cost in whole micro-credits: at most its reserve. */
  readonly cost: number
  /** The HTTP status of the newest answer. @default none came */
  readonly status?: number | undefined
  /** Whether the provider accepted the data, although its answer has the wrong shape. @default false */
  readonly isTaken?: boolean
}

/** An integration that clients may call, as everyone may see it. */
export interface PublicIntegration {
  readonly name: string
  readonly billing: 'developer' | 'user'
  readonly clients: Clients
  /** Its declared endpoints; none for an integration that only the proxy knows. */
  readonly endpoints: readonly {
    readonly name: string
    /** JSON Schema (2020-12) of the data. */
    readonly input: JsonValue
  }[]
}

/** The app's configured integrations. */
export interface Integrations {
  /**
   * Decides how a call is made and who pays, and checks its data. A failure names the problem of the endpoint or the data,
   * or what the configuration lacks.
   */
  plan(endpoint: string, data: JsonValue | undefined): ActionResult<OutboundCall>
  /** Makes the call. Never throws: failures are values. */
  send(call: OutboundCall, options: SendOptions): Promise<OutboundAnswer>
  /** Says who may call an integration without an action; undefined for one that is not declared. */
  clientsOf(integration: string): Clients | undefined
  /** Returns the schema of an endpoint's data, which marks secrets; undefined where none is declared. */
  inputSchema(endpoint: string): z.ZodType | undefined
  /** Lists the integrations that clients may call without an action. */
  publicIntegrations(): readonly PublicIntegration[]
}
