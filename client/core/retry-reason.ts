import type { Operation, OperationResultEnvelope, TRPCClientError } from '@trpc/client'
import type { ErrorCode } from '../../server/core/errors.ts'
import type { Failure } from '../../server/core/result.ts'
import type { RetryReason } from './backoff.ts'
import { fetchReportOf } from './fetch-report.ts'
import { isRepeatable } from './idempotency-key.ts'
import type { DeputyServer } from './server-types.ts'

/** What one sending of a call gave: an answer or an error. */
export type SendOutcome =
  | {
      readonly envelope: OperationResultEnvelope<unknown, TRPCClientError<DeputyServer>>
      readonly error?: never
    }
  | { readonly error: TRPCClientError<DeputyServer>; readonly envelope?: never }

/**
 * The codes that an action returns while something it needs is away, such as the database or a provider. One of them
 * says that the outcome of a commit is unknown: the idempotency key makes it safe to send the call again.
 */
const PASSING: readonly ErrorCode[] = [
  'TOO_MANY_REQUESTS',
  'BAD_GATEWAY',
  'SERVICE_UNAVAILABLE',
  'GATEWAY_TIMEOUT',
]

/** Finds why a call is worth sending again; undefined for a final answer, and for a call that was never sent. */
export function retryReasonOf(op: Operation, { envelope, error }: SendOutcome): RetryReason | undefined {
  const report = fetchReportOf(error ? error.meta : envelope.context, error)
  if (!report || !isRepeatable(op, report)) return undefined
  const failure = error ? (error.data ?? undefined) : returnedFailure(envelope)
  const asked = seconds(failure?.details?.retryAfterSeconds)
  // Any other conflict is with stored data, and would happen again. Only the server throws one with a delay; an action
  // that returns one has run and failed.
  if (failure?.code === 'CONFLICT' && asked !== undefined)
    return { kind: error ? 'running' : 'passing', retryAfterSeconds: asked }
  const isPassing = error
    ? isPassingStatus(error.data?.httpStatus ?? report.status)
    : failure !== undefined && PASSING.includes(failure.code)
  return isPassing
    ? { kind: 'passing', retryAfterSeconds: asked ?? report.retryAfterSeconds ?? 0 }
    : undefined
}

function returnedFailure({ result }: NonNullable<SendOutcome['envelope']>): Failure | undefined {
  const data: unknown = 'data' in result ? result.data : undefined
  return isFailure(data) ? data : undefined
}

function isFailure(data: unknown): data is Failure {
  return typeof data === 'object' && data !== null && 'success' in data && data.success === false
}

/** Without a status, no answer came. */
function isPassingStatus(status: number | undefined): boolean {
  return status === undefined || status === 408 || status === 429 || status >= 500
}

function seconds(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined
}
