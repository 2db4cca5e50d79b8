import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import { HTTP_STATUS, INTERNAL_MESSAGE, isErrorCode, UNAUTHORIZED_MESSAGE } from '../core/errors.ts'
import { completed, type Failure, FailureError, fail, type Issue, type IssueInfo } from '../core/result.ts'
import { sentence } from '../wire/issues.ts'
import { TooMuchWork } from '../wire/parse.ts'

const MAX_MESSAGE_LENGTH = 300

/** An input that does not fit its schema. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput'
  readonly issues: readonly Issue[]

  constructor(issues: readonly IssueInfo[]) {
    super(issues[0] ? sentence(issues[0]) : 'The input is not valid.')
    this.issues = completed(issues, 'unacceptable')
  }
}

/** What a caller is shown of an error that was thrown. Only our own sentences pass; any other is replaced. */
export function toFailure(error: TRPCError): Failure {
  const { cause, code } = error
  if (code === 'INTERNAL_SERVER_ERROR') return fail('INTERNAL_SERVER_ERROR', INTERNAL_MESSAGE)
  if (code === 'UNAUTHORIZED') return fail('UNAUTHORIZED', UNAUTHORIZED_MESSAGE)
  if (cause instanceof FailureError) return cause.failure
  if (cause instanceof InvalidInput) return fail('BAD_REQUEST', cause.message, { issues: cause.issues })
  if (code === 'PARSE_ERROR' || cause instanceof SyntaxError)
    return fail('BAD_REQUEST', 'The request is not valid JSON.')
  if (!isErrorCode(code)) return fail('BAD_REQUEST', 'The request could not be understood.')
  return fail(code, error.message.slice(0, MAX_MESSAGE_LENGTH))
}

/** Gives the failure that stands for what a call has thrown. */
export function failureOf(error: unknown): Failure {
  return toFailure(toCallError(error))
}

/** Gives the error that a call is refused with. */
export function toCallError(error: unknown): TRPCError {
  const cause =
    error instanceof TooMuchWork ? new InvalidInput([{ path: [], message: error.message }]) : error
  return cause instanceof InvalidInput
    ? new TRPCError({ code: 'BAD_REQUEST', message: cause.message, cause })
    : getTRPCErrorFromUnknown(cause)
}

export function httpStatusOf(failure: Failure): number {
  return HTTP_STATUS[failure.code]
}
