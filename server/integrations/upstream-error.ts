import type { Logger } from 'pino'
import { type ErrorCode, isErrorCode } from '../core/errors.ts'
import type { IssueInfo, JsonObject, JsonValue } from '../core/result.ts'
import type { OutboundResponse } from './exchange.ts'

const MAX_ERROR_LENGTH = 500
const MAX_ISSUES = 20
const MAX_PATH_LENGTH = 20
/** Characters that no log line and no table can hold: controls, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]+/gu

/** An error as a provider reports it. */
export interface UpstreamError {
  readonly message: string | undefined
  readonly code: ErrorCode | undefined
  readonly issues: readonly IssueInfo[]
}

/** Reads `{ error, code, issues }`, `{ error: { message, code, issues } }` and `{ message }`, with limited lengths. */
export function readUpstreamError(body: JsonValue): UpstreamError {
  const outer = isObject(body) ? body : {}
  const inner = isObject(outer.error) ? outer.error : outer
  const message = [inner.error, inner.message, outer.message].find((text) => typeof text === 'string')
  return {
    message: typeof message === 'string' ? shown(message) : undefined,
    code: [inner.code, outer.code].find(isErrorCode),
    issues: toIssues(inner.issues ?? outer.issues),
  }
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toIssues(value: JsonValue | undefined): IssueInfo[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, MAX_ISSUES).flatMap((issue: JsonValue) => {
    if (!isObject(issue) || typeof issue.message !== 'string') return []
    const path = Array.isArray(issue.path)
      ? issue.path.slice(0, MAX_PATH_LENGTH).flatMap((part: JsonValue): (string | number)[] => {
          if (typeof part === 'string') return [shown(part)]
          return typeof part === 'number' ? [part] : []
        })
      : []
    return [{ path, message: shown(issue.message) }]
  })
}

/** Cuts a provider's text to one line of limited length. */
function shown(text: string): string {
  return text.slice(0, MAX_ERROR_LENGTH).replace(UNPRINTABLE, ' ')
}

type Failed = Extract<OutboundResponse, { kind: 'failed' }>

/** Tells the operator why a call came to nothing. Callers are told less: the address is the app's own. */
export function reportFailure(log: Logger, name: string, { origin }: URL, { reason, wasSent }: Failed): void {
  log.warn(
    { name, origin, reason, wasSent },
    reason === 'refused address'
      ? 'An upstream has a private address: if it may, name its host:port in ALLOW_PRIVATE_UPSTREAMS'
      : 'An upstream gave no usable answer',
  )
}
