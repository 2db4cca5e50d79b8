import type { ActionResult, JsonValue } from '../../core/result.ts'

/** How a dry run is made. */
export interface DryRunOptions {
  /**
   * What outside steps answer in place of being made: an endpoint by its name (`openai/chat-completion`), the function
   * of a `once` by `once:` and its key. The run stops at one that is not named here. @default none
   */
  readonly answers?: Readonly<Record<string, ActionResult<JsonValue>>>
}
