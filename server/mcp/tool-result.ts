import { isRecord } from '../core/is-record.ts'
import type { Failure, JsonObject } from '../core/result.ts'
import { toWireJson } from '../wire/to-json.ts'
import { RESULT } from './tool-output.ts'

/** What a tool has answered, as the protocol has it. */
export interface ToolResult {
  readonly content: readonly { readonly type: 'text'; readonly text: string }[]
  readonly structuredContent?: JsonObject
  readonly isError?: true
  readonly _meta?: JsonObject
  readonly [key: string]: unknown
}

/** Says that the answer is the one of an earlier call with the same key. */
const REPLAYED = 'deputyjs/replayed'

/** Makes the answer of a tool of an action's data. What is no object, or may be none, stands under a key. */
export function toolResult(
  data: unknown,
  { isReplay, isWrapped }: { readonly isReplay: boolean; readonly isWrapped: boolean },
): ToolResult {
  const text = toWireJson(data === undefined ? null : data)
  const value: unknown = JSON.parse(text)
  const meta = isReplay ? { _meta: { [REPLAYED]: true } } : {}
  const structuredContent = isWrapped && data === undefined ? {} : contentOf(value, isWrapped)
  return { content: [{ type: 'text', text }], structuredContent, ...meta }
}

function contentOf(value: unknown, isWrapped: boolean): JsonObject {
  return (isRecord(value) && !isWrapped ? value : { [RESULT]: value }) as JsonObject // It was read as JSON.
}

/**
 * Makes an answer that an agent can act on: what was wrong, where, and when to come again. As text alone: the schema of
 * a tool's structured content is that of its successes.
 */
export function toolFailure({ code, error, issues, details }: Failure, requestId: string): ToolResult {
  const failure = {
    code,
    error,
    ...(issues ? { issues } : {}),
    ...(details ? { details } : {}),
    // Its cause is found in the log by it.
    ...(code === 'INTERNAL_SERVER_ERROR' ? { requestId } : {}),
  }
  return { content: [{ type: 'text', text: toWireJson(failure) }], isError: true }
}
