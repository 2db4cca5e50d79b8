import { getFetch, type HTTPBatchLinkOptions, type TRPCClientError } from '@trpc/client'
import type { ClientFetch } from './client-fetch.ts'
import type { DeputyServer } from './server-types.ts'
import { parseWritten, type WrittenRecord } from './written.ts'

type LinkFetch = NonNullable<HTTPBatchLinkOptions<DeputyServer>['fetch']>
/** The header by which a request asks what its mutations write. */
export const ASKS_FOR_WRITTEN = 'deputy-tell-writes'

type ResponseEsque = Awaited<ReturnType<LinkFetch>>

/** How a request went, apart from its body. */
export interface FetchReport {
  /** The HTTP status; undefined when no answer came, or only its beginning. */
  readonly status: number | undefined
  /** The seconds that the header `Retry-After` asks for. */
  readonly retryAfterSeconds: number | undefined
  /** By which the server's log names the request. */
  readonly requestId: string | undefined
  /** The idempotency keys that were sent; empty for a call without one. */
  readonly keys: readonly string[]
}

/** Thrown when no answer came, or one that is not JSON. Any other error of a call comes from before it was sent. */
class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
  readonly report: FetchReport

  constructor(cause: unknown, report: FetchReport) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(
      report.status === undefined ? reason : `The answer (HTTP ${report.status}) is not JSON: ${reason}`,
      {
        cause,
      },
    )
    this.report = report
  }
}

/** A response, as tRPC reads it, with its report. */
class ReportedResponse implements ResponseEsque {
  readonly ok: boolean
  readonly report: FetchReport
  readonly json: () => Promise<unknown>

  constructor(response: ResponseEsque, report: FetchReport, isAborted: () => boolean) {
    this.ok = response.ok
    this.report = report
    this.json = () =>
      response.json().catch((cause: unknown) => {
        if (isAborted()) throw cause
        const isWhole = cause instanceof SyntaxError
        throw new NoAnswerError(cause, isWhole ? report : { ...report, status: undefined })
      })
  }
}

/** Wraps fetch so that each response has a report, which the retries need: tRPC's own error does not know the status. */
export function withFetchReport(
  custom: ClientFetch | undefined,
  onWritten?: (written: readonly WrittenRecord[]) => void,
): LinkFetch {
  return async (input, init) => {
    // Of a fetch the links use no more than its type says.
    const send = getFetch(custom as LinkFetch | undefined)
    const keys = keysOf(init?.headers)
    const isAborted = () => init?.signal?.aborted === true
    // An app's own fetch need not give more than tRPC asks for.
    const response: ResponseEsque & Partial<Pick<Response, 'status' | 'headers'>> = await send(
      input,
      init,
    ).catch((cause: unknown) => {
      if (isAborted()) throw cause
      throw new NoAnswerError(cause, {
        status: undefined,
        retryAfterSeconds: undefined,
        requestId: undefined,
        keys,
      })
    })
    if (onWritten && isRecordWith(init?.headers, ASKS_FOR_WRITTEN)) {
      const told = response.headers?.get ? response.headers.get('deputy-writes') : '*'
      if (told) tell(onWritten, parseWritten(told))
    }
    const retryAfterSeconds = parseRetryAfter(response.headers?.get?.('retry-after'))
    const requestId = response.headers?.get?.('x-request-id') ?? undefined
    const report = { status: response.status ?? 0, retryAfterSeconds, requestId, keys }
    return new ReportedResponse(response, report, isAborted)
  }
}

/** What the app throws is no failure of the call, which has committed. */
function tell(
  onWritten: (written: readonly WrittenRecord[]) => void,
  written: readonly WrittenRecord[],
): void {
  try {
    onWritten(written)
  } catch (thrown) {
    setTimeout(() => {
      throw thrown
    })
  }
}

/** Reads the keys from the record that the client's `headers` made: not every runtime has the class Headers. */
function keysOf(headers: unknown): readonly string[] {
  return isRecordWith(headers, 'idempotency-key') ? String(headers['idempotency-key']).split(',') : []
}

function isRecordWith<TName extends string>(
  headers: unknown,
  name: TName,
): headers is Readonly<Record<TName, unknown>> {
  return typeof headers === 'object' && headers !== null && name in headers
}

/** Finds the report of a call's request; undefined when none was sent. */
export function fetchReportOf(
  meta: Readonly<Record<string, unknown>> | undefined,
  error?: TRPCClientError<DeputyServer>,
): FetchReport | undefined {
  if (error?.cause instanceof NoAnswerError) return error.cause.report
  const response = meta?.response
  return response instanceof ReportedResponse ? response.report : undefined
}

/** Reads seconds, or a date (RFC 9110, 10.2.3). */
function parseRetryAfter(header: string | null | undefined): number | undefined {
  if (!header) return undefined
  if (/^\d+(\.\d+)?$/.test(header)) return Number(header)
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? undefined : Math.max(0, (atMs - Date.now()) / 1000)
}
