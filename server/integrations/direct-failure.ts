import type { ErrorCode } from '../core/errors.ts'
import { fail } from '../core/result.ts'
import { nothing } from './answers.ts'
import { readError } from './error-envelope.ts'
import type { OutboundResponse } from './exchange.ts'
import type { Answer, OutboundCall } from './integrations.ts'

type Answered = Extract<OutboundResponse, { kind: 'answer' }>

/**
 * What a provider's refusal, or its breakdown, is to our caller. A refusal of the app's own account is not the
 * caller's to mend, and the provider's words about it may name keys: they are not repeated.
 */
export function directFailure({ name }: OutboundCall, answer: Answered): Answer {
  const { status, body, retryAfterSeconds } = answer
  if (status === 401) return nothing(fail('BAD_GATEWAY', `"${name}" refused the app's credentials.`))
  if (status === 402 || status === 403)
    return nothing(fail('BAD_GATEWAY', `"${name}" refused the app's account.`))
  if (status < 400 || status >= 500) {
    const result = fail('BAD_GATEWAY', `"${name}": answered with status ${status}`)
    return { result, effect: 'answered', cost: 0 }
  }
  const later = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }
  // The haste, too, is that of the app's account as a whole.
  if (status === 429)
    return nothing(fail('TOO_MANY_REQUESTS', `"${name}" takes no more calls of the app for now.`, later))
  const { message, issues } = readError(body)
  const text = message ?? `answered with status ${status}`
  return nothing(
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
