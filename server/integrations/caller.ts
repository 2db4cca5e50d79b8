import type { ActionResult, JsonValue } from '../result.ts'

/** Whose account an outside call is charged to. */
export type Payer = 'owner' | 'caller'

/** Where a call goes and who pays, decided from configuration alone. */
export interface Target {
  readonly integration: string
  readonly endpoint: string
  readonly payer: Payer
}

/** Calls third parties. */
export interface IntegrationCaller {
  /** Decides target and payer; a failure says what is wrong with the endpoint or missing in the configuration. */
  resolve(endpoint: string): ActionResult<Target>
  /** Makes the call. Its failures are values. */
  send(target: Target, data: JsonValue | undefined, callerJwt: string): Promise<ActionResult<JsonValue>>
}
