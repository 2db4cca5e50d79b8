import type { ErrorCode } from '../core/errors.ts'
import { fail } from '../core/result.ts'
import type { OutboundResponse } from './exchange.ts'
import type { OutboundAnswer, OutboundCall } from './integrations.ts'
import { answerWithoutEffect } from './outbound-answer.ts'
import { readUpstreamError } from './upstream-error.ts'

type Answered = Extract<OutboundResponse, { kind: 'answer' }>

/**
 * Converts a provider's refusal or breakdown. A caller cannot correct the app's own account, and the provider's message
 * about it may name keys, so it is not repeated.
 */
export function directFailure({ name }: OutboundCall, answer: Answered): OutboundAnswer {
  const { status, body, retryAfterSeconds } = answer
  if (status === 401)
    return answerWithoutEffect(fail('BAD_GATEWAY', `"${name}" refused the app's credentials.`))
  if (status === 402 || status === 403)
    return answerWithoutEffect(fail('BAD_GATEWAY', `"${name}" refused the app's account.`))
  if (status < 400 || status >= 500) {
    const result = fail('BAD_GATEWAY', `"${name}": answered with status ${status}`)
    return { result, outcome: 'answered', cost: 0 }
  }
  const later = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }
  // The limit counts for the app's whole account.
  if (status === 429)
    return answerWithoutEffect(
      fail('TOO_MANY_REQUESTS', `"${name}" takes no more calls of the app for now.`, later),
    )
  const { message, issues } = readUpstreamError(body)
  const text = message ?? `answered with status ${status}`
  return answerWithoutEffect(
    fail(codeOf(status), `"${name}": ${text}`, { ...(issues.length > 0 ? { issues } : {}), ...later }),
  )
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case 413:
      return 'PAYLOAD_TOO_LARGE'
    case 422:
      return 'UNPROCESSABLE_CONTENT'
    default:
      return 'BAD_REQUEST'
  }
}
