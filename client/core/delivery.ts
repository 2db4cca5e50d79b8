import { getFetch, type HTTPBatchLinkOptions, type TRPCClientError } from '@trpc/client'
import type { DeputyServer } from './server-types.ts'

export type ClientFetch = NonNullable<HTTPBatchLinkOptions<DeputyServer>['fetch']>
type ResponseEsque = Awaited<ReturnType<ClientFetch>>

/** How a request went, beside what its body says. */
export interface Delivery {
  /** Of HTTP; undefined when no answer came, or only the beginning of one. */
  readonly status: number | undefined
  /** What the header `Retry-After` asks for. */
  readonly retryAfterSeconds: number | undefined
  /** The slots of `Idempotency-Key` that went out. */
  readonly keys: readonly string[]
}

/** No answer came, or one that no server of ours gives. Anything else that fails a call, failed before it was sent. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly delivery: Delivery

  constructor(cause: unknown, delivery: Delivery) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(
      delivery.status === undefined ? reason : `The answer (HTTP ${delivery.status}) is not JSON: ${reason}`,
      {
        cause,
      },
    )
    this.delivery = delivery
  }
}

/** A response, as tRPC reads it, with its delivery. */
class Answer implements ResponseEsque {
  readonly ok: boolean
  readonly delivery: Delivery
  readonly json: () => Promise<unknown>

  constructor(response: ResponseEsque, delivery: Delivery, isAborted: () => boolean) {
    this.ok = response.ok
    this.delivery = delivery
    this.json = () =>
      response.json().catch((cause: unknown) => {
        if (isAborted()) throw cause
        const isWhole = cause instanceof SyntaxError
        throw new NoAnswer(cause, isWhole ? delivery : { ...delivery, status: undefined })
      })
  }
}

/** Makes a fetch that keeps what the retries decide by: tRPC's own error of a request does not know its status. */
export function observedFetch(custom: ClientFetch | undefined): ClientFetch {
  return async (input, init) => {
    const send = getFetch(custom)
    const keys = keysOf(init?.headers)
    const isAborted = () => init?.signal?.aborted === true
    // What a fetch of the app's own gives need not have more than tRPC asks for.
    const response: ResponseEsque & Partial<Pick<Response, 'status' | 'headers'>> = await send(
      input,
      init,
    ).catch((cause: unknown) => {
      if (isAborted()) throw cause
      throw new NoAnswer(cause, { status: undefined, retryAfterSeconds: undefined, keys })
    })
    const retryAfterSeconds = parseRetryAfter(response.headers?.get?.('retry-after'))
    return new Answer(response, { status: response.status ?? 0, retryAfterSeconds, keys }, isAborted)
  }
}

/** tRPC hands on the record that the client's `headers` made: not every runtime has the class of that name. */
function keysOf(headers: unknown): readonly string[] {
  const isRecord = typeof headers === 'object' && headers !== null && 'idempotency-key' in headers
  return isRecord ? String(headers['idempotency-key']).split(',') : []
}

/** Finds how the request of a call went; undefined when none was sent. */
export function deliveryOf(
  meta: Readonly<Record<string, unknown>> | undefined,
  error?: TRPCClientError<DeputyServer>,
): Delivery | undefined {
  if (error?.cause instanceof NoAnswer) return error.cause.delivery
  const response = meta?.response
  return response instanceof Answer ? response.delivery : undefined
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function parseRetryAfter(header: string | null | undefined): number | undefined {
  if (!header) return undefined
  if (/^\d+(\.\d+)?$/.test(header)) return Number(header)
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? undefined : Math.max(0, (atMs - Date.now()) / 1000)
}
