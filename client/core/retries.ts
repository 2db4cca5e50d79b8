import { type Operation, type OperationLink, TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import { createBackoff, type Limits } from './backoff.ts'
import { type Outcome, obstacleOf } from './obstacle.ts'
import type { DeputyServer } from './server-types.ts'

type Next = Parameters<OperationLink<DeputyServer>>[0]['next']

/**
 * Sends a call again until an answer is final or the limits are reached; the last outcome is then the call's. It is the
 * same call with the same key each time, and travels in whatever batch goes then.
 */
export function retryLink(limits: Limits): TRPCLink<DeputyServer> {
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
  limits: Limits,
  signal: AbortSignal,
): Promise<Outcome> {
  const backoff = createBackoff(limits)
  while (!signal.aborted) {
    const outcome = await sendOnce(op, next, signal)
    const obstacle = obstacleOf(op, outcome)
    const delayMs = obstacle && backoff(obstacle)
    if (delayMs === undefined) return outcome
    await pause(delayMs, signal)
  }
  return aborted(signal)
}

/** An aborted call ends here at once, also when its batch goes on for the sake of others. */
function sendOnce(op: Operation, next: Next, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome) => {
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

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, delayMs)
    signal.addEventListener('abort', end)
  })
}

function aborted(signal: AbortSignal): Outcome {
  return { error: TRPCClientError.from(abortError(signal)) }
}

/** Not every runtime knows the reason of a signal. */
function abortError({ reason }: AbortSignal): Error {
  if (reason !== undefined) return asError(reason)
  const error = new Error('The call was aborted')
  error.name = 'AbortError'
  return error
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason })
}
