import type { ErrorCode } from '../errors.ts'
import { fail } from '../result.ts'
import { nothing } from './answers.ts'
import { readError } from './error-envelope.ts'
import type { OutboundResponse } from './http-client.ts'
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
  const { message, issues } = readError(body)
  return nothing(
    fail(codeOf(status), `"${name}": ${message ?? `answered with status ${status}`}`, {
      ...(issues.length > 0 ? { issues } : {}),
      ...(retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }),
    }),
  )
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case 413:
      return 'PAYLOAD_TOO_LARGE'
    case 422:
      return 'UNPROCESSABLE_CONTENT'
    case 429:
      return 'TOO_MANY_REQUESTS'
    default:
      return 'BAD_REQUEST'
  }
}
