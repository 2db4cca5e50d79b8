import type { z } from 'zod'
import type { ActionResult, JsonValue } from '../core/result.ts'

/** Whose account an outside call is charged to. */
export type Payer = 'owner' | 'caller'

/** Who may call an integration without an action. */
export type Clients = 'none' | 'users' | 'anyone'

/** An outside call, decided from configuration and a checked input alone. Nothing has left yet. */
export interface OutboundCall {
  /** `integration/endpoint`, of nothing but what was checked. */
  readonly name: string
  readonly integration: string
  readonly endpoint: string
  readonly payer: Payer
  readonly transport: 'direct' | 'proxy'
  /** What is sent: what the endpoint's schema made of the data. */
  readonly data: JsonValue
  /** What it costs at most, in whole micro-credits; 0 through the proxy, which bills by itself. */
  readonly reserve: number
  /** Whether the provider knows a repeated call by its key, so that it may be sent again when nobody knows what came of it. */
  readonly takesKey: boolean
  /** Whether it goes out with the caller's own token, which is never stored. */
  readonly needsCallerJwt: boolean
}

export interface SendOptions {
  /** The caller's token; undefined for a caller without one, and for a message of the outbox. */
  readonly callerJwt: string | undefined
  /** Names the outside effect: what the provider is given where it takes an idempotency key. */
  readonly idempotencyKey: string
  /** Whether somebody who broke off may have sent it before. @default false */
  readonly isResent?: boolean
  /** The time that is left; the endpoint's own timeout counts where it is shorter. */
  readonly timeoutMs: number
}

/**
 * What became of an outside effect: it happened (or broke down over there), it surely did not (it was not sent, or was
 * refused), or nobody knows.
 */
export type EffectOutcome = 'answered' | 'nothing' | 'unknown'

/** What came of a call. */
export interface Answer {
  /** The upstream's body, or a failure. `details.outcome` of a failure is `unknown` where nobody knows what it did. */
  readonly result: ActionResult<JsonValue>
  readonly effect: EffectOutcome
  /** What it cost, in whole micro-credits: at most its reserve. */
  readonly cost: number
  /** Whether the other side said that it took what it was sent, though in a way that is no answer. @default false */
  readonly isTaken?: boolean
}

/** An integration as everybody may see it. */
export interface CatalogueEntry {
  readonly name: string
  readonly billing: 'developer' | 'user'
  readonly clients: Clients
  /** What is declared of its endpoints; an integration that only the proxy knows has none here. */
  readonly endpoints: readonly {
    readonly name: string
    /** JSON Schema (2020-12) of the data. */
    readonly input: JsonValue
  }[]
}

/** The app's integrations, as they are configured. */
export interface Integrations {
  /**
   * Decides how a call is made and who pays, and checks its data. A failure says what is wrong with the endpoint
   * or the data, or missing in the configuration.
   */
  plan(endpoint: string, data: JsonValue | undefined): ActionResult<OutboundCall>
  /** Makes the call. Never throws: failures are values. */
  send(call: OutboundCall, options: SendOptions): Promise<Answer>
  /** Who may call an integration without an action; undefined for one that is not declared. */
  clientsOf(integration: string): Clients | undefined
  /** The schema of an endpoint's data, which says what of it is secret; undefined where none is declared. */
  inputSchema(endpoint: string): z.ZodType | undefined
  /** The integrations that clients may call themselves. */
  catalogue(): readonly CatalogueEntry[]
}
