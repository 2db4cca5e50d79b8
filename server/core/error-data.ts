import type { ErrorCode } from './errors.ts'
import type { Issue, JsonValue } from './result.ts'

/** What an error carries over tRPC, beside its message. */
export interface ErrorData {
  readonly code: ErrorCode
  readonly httpStatus: number
  readonly requestId: string | null
  readonly issues: readonly Issue[] | null
  readonly details: Readonly<Record<string, JsonValue>> | null
}
