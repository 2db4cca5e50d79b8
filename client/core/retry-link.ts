import { type Operation, type OperationLink, TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import { createBackoff, type RetryLimits } from './backoff.ts'
import { pause } from './pause.ts'
import { retryReasonOf, type SendOutcome } from './retry-reason.ts'
import type { DeputyServer } from './server-types.ts'

type Next = Parameters<OperationLink<DeputyServer>>[0]['next']

/**
 * Sends a call again until its answer is final or the limits are reached. Each time it is the same call with the same
 * key, in whichever batch is sent next.
 */
export function retryLink(limits: RetryLimits): TRPCLink<DeputyServer> {
  return () =>
    ({ op, next }) =>
      observable((observer) => {
        const ended = new AbortController()
        const abort = () => ended.abort(op.signal?.reason)
        if (op.signal?.aborted) abort()
        op.signal?.addEventListener('abort', abort, { once: true })
        sendUntilFinal(op, next, limits, ended.signal).then(
          ({ envelope, error }) => {
            if (error) return observer.error(error)
            observer.next(envelope)
            observer.complete()
          },
          (thrown: unknown) => observer.error(TRPCClientError.from(asError(thrown))),
        )
        return () => {
          op.signal?.removeEventListener('abort', abort)
          ended.abort()
        }
      })
}

async function sendUntilFinal(
  op: Operation,
  next: Next,
  limits: RetryLimits,
  signal: AbortSignal,
): Promise<SendOutcome> {
  const backoff = createBackoff(limits)
  while (!signal.aborted) {
    const outcome = await sendOnce(op, next, signal)
    const retryReason = retryReasonOf(op, outcome)
    const delayMs = retryReason && backoff(retryReason)
    if (delayMs === undefined) return outcome
    await pause(delayMs, signal)
  }
  return aborted(signal)
}

/** Sends a call once. An aborted call ends at once, even when its batch goes on for other calls. */
function sendOnce(op: Operation, next: Next, signal: AbortSignal): Promise<SendOutcome> {
  return new Promise((resolve) => {
    const settle = (outcome: SendOutcome) => {
      signal.removeEventListener('abort', abort)
      resolve(outcome)
    }
    const abort = () => {
      settle(aborted(signal))
      sent.unsubscribe()
    }
    signal.addEventListener('abort', abort)
    const sent = next(op).subscribe({
      next: (envelope) => settle({ envelope }),
      error: (error) => settle({ error }),
    })
  })
}

function aborted(signal: AbortSignal): SendOutcome {
  return { error: TRPCClientError.from(abortError(signal)) }
}

/** Makes the error of an abort: not every runtime gives a signal a reason. */
function abortError({ reason }: AbortSignal): Error {
  if (reason !== undefined) return asError(reason)
  const error = new Error('The call was aborted')
  error.name = 'AbortError'
  return error
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason })
}
