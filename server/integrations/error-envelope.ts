import { type ErrorCode, isErrorCode } from '../errors.ts'
import type { Issue, JsonValue } from '../result.ts'

const MAX_ERROR_LENGTH = 500
const MAX_ISSUES = 20

export type JsonObject = { readonly [key: string]: JsonValue }

/** What an upstream says of an error. */
export interface UpstreamError {
  readonly message: string | undefined
  readonly code: ErrorCode | undefined
  readonly issues: readonly Issue[]
}

/** Reads `{ error, code, issues }`, `{ error: { message, code, issues } }` and `{ message }`, cut to what can be shown. */
export function readError(body: JsonValue): UpstreamError {
  const outer = isObject(body) ? body : {}
  const inner = isObject(outer.error) ? outer.error : outer
  const message = [inner.error, inner.message, outer.message].find((text) => typeof text === 'string')
  return {
    message: typeof message === 'string' ? message.slice(0, MAX_ERROR_LENGTH) : undefined,
    code: [inner.code, outer.code].find(isErrorCode),
    issues: toIssues(inner.issues ?? outer.issues),
  }
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toIssues(value: JsonValue | undefined): Issue[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, MAX_ISSUES).flatMap((issue: JsonValue) => {
    if (!isObject(issue) || typeof issue.message !== 'string') return []
    const path = Array.isArray(issue.path)
      ? issue.path.filter((part: JsonValue) => typeof part === 'string' || typeof part === 'number')
      : []
    return [{ path, message: issue.message.slice(0, MAX_ERROR_LENGTH) }]
  })
}
