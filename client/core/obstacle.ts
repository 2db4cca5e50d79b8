import type { Operation, OperationResultEnvelope, TRPCClientError } from '@trpc/client'
import type { ErrorCode } from '../../server/core/errors.ts'
import type { Failure } from '../../server/core/result.ts'
import type { Obstacle } from './backoff.ts'
import { deliveryOf } from './delivery.ts'
import { isRepeatable } from './idempotency-key.ts'
import type { DeputyServer } from './server-types.ts'

/** What sending a call once came to. */
export type Outcome =
  | {
      readonly envelope: OperationResultEnvelope<unknown, TRPCClientError<DeputyServer>>
      readonly error?: never
    }
  | { readonly error: TRPCClientError<DeputyServer>; readonly envelope?: never }

/**
 * What an action returns when something it needs is away for the moment, such as the database or an upstream. That the
 * outcome of a commit is unknown is among them: the key makes it safe to ask again.
 */
const PASSING: readonly ErrorCode[] = [
  'TOO_MANY_REQUESTS',
  'BAD_GATEWAY',
  'SERVICE_UNAVAILABLE',
  'GATEWAY_TIMEOUT',
]

/** Decides whether a call is worth sending again; undefined for a final answer, and for what was never sent. */
export function obstacleOf(op: Operation, { envelope, error }: Outcome): Obstacle | undefined {
  const delivery = deliveryOf(error ? error.meta : envelope.context, error)
  if (!delivery || !isRepeatable(op, delivery)) return undefined
  const failure = error ? (error.data ?? undefined) : returnedFailure(envelope)
  const asked = seconds(failure?.details?.retryAfterSeconds)
  // Any other conflict is one with what is stored, and would be the same again. The server alone throws one that says
  // when; an action that returns one has run, and failed.
  if (failure?.code === 'CONFLICT' && asked !== undefined)
    return { kind: error ? 'running' : 'passing', retryAfterSeconds: asked }
  const isPassing = error
    ? isPassingStatus(error.data?.httpStatus ?? delivery.status)
    : failure !== undefined && PASSING.includes(failure.code)
  return isPassing
    ? { kind: 'passing', retryAfterSeconds: asked ?? delivery.retryAfterSeconds ?? 0 }
    : undefined
}

function returnedFailure({ result }: NonNullable<Outcome['envelope']>): Failure | undefined {
  const data: unknown = 'data' in result ? result.data : undefined
  return isFailure(data) ? data : undefined
}

function isFailure(data: unknown): data is Failure {
  return typeof data === 'object' && data !== null && 'success' in data && data.success === false
}

/** Without a status no answer came at all. */
function isPassingStatus(status: number | undefined): boolean {
  return status === undefined || status === 408 || status === 429 || status >= 500
}

function seconds(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined
}
