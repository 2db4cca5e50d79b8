import type { EventEmitter } from 'node:events'
import { type Dispatcher, errors } from 'undici'
import { RefusedAddressError } from './guarded-connector.ts'
import type { OutboundRequest, OutboundResponse } from './http-client.ts'
import { outboundHeaders } from './outbound-headers.ts'
import { parseJson, readText, TooLargeError } from './read-json.ts'
import { redactSecrets } from './redact-secrets.ts'
import { parseRetryAfter } from './retry-after.ts'

type Failed = Extract<OutboundResponse, { kind: 'failed' }>
type Answered = Dispatcher.ResponseData

export interface Exchange {
  readonly agent: Dispatcher
  /** Emits `abort` when the exchange is over, however it ended. An AbortSignal would cost more than all the rest of it. */
  readonly over: EventEmitter
  readonly clock: () => Date
  /** Called before the first byte of the request is written. */
  onSending(): void
}

export const NOT_SENT: Failed = { kind: 'failed', reason: 'not sent', wasSent: false }
const JSON_TYPE = /^(?:application\/json|[\w.-]+\/[\w.+-]+\+json)\s*(?:;|$)/i

/** Sends one request and reads its answer. It never rejects, and no error of the client's leaves it. */
export async function exchange(request: OutboundRequest, how: Exchange): Promise<OutboundResponse> {
  let wasSent = false
  const sending = noticeSending(() => {
    wasSent = true
    how.onSending()
  })
  try {
    const options = dispatchOptions(request)
    if (!options) return NOT_SENT
    const answered = await how.agent.compose(sending).request({ ...options, signal: how.over })
    // Left unread, it is destroyed with an error that nobody else would hear.
    answered.body.on('error', () => undefined)
    if (answered.statusCode >= 300 && answered.statusCode < 400) return failed('redirect', true)
    return await toResponse(answered, request, how.clock)
  } catch (error) {
    return toFailure(error, wasSent)
  }
}

function dispatchOptions({ url, method, headers, body }: OutboundRequest) {
  const text = body === undefined ? null : JSON.stringify(body)
  const checked = outboundHeaders(headers, text !== null)
  // Credentials have no place in a URL.
  if (!checked || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    return undefined
  return { origin: url.origin, path: `${url.pathname}${url.search}`, method, headers: checked, body: text }
}

/** Tells when a request has a connection: before that, nothing of it can have arrived. */
function noticeSending(notice: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart(...args) {
        notice()
        handler.onRequestStart?.(...args)
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    })
}

async function toResponse(
  answered: Answered,
  request: OutboundRequest,
  clock: () => Date,
): Promise<OutboundResponse> {
  const status = answered.statusCode
  const body = await readJson(answered, request.maxBytes)
  if (body === undefined && status < 400) return failed('not JSON', true)
  const retryAfter = one(answered.headers['retry-after'])
  return {
    kind: 'answer',
    status,
    body: redactSecrets(body ?? null, request.secrets),
    retryAfterSeconds: retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, clock()),
  }
}

async function readJson({ statusCode, headers, body }: Answered, maxBytes: number) {
  const isJson = JSON_TYPE.test(one(headers['content-type']) ?? '')
  if (!isJson && statusCode !== 204) return undefined
  const text = await readText(body, one(headers['content-encoding']) ?? 'identity', maxBytes)
  if (statusCode === 204 && text === '') return null
  return text === undefined ? undefined : parseJson(text)
}

function toFailure(error: unknown, wasSent: boolean): Failed {
  if (error instanceof RefusedAddressError) return failed('refused address', false)
  if (error instanceof TooLargeError) return failed('too large', true)
  if (!wasSent && error instanceof errors.InvalidArgumentError) return NOT_SENT
  return failed('unreachable', wasSent)
}

function failed(reason: Failed['reason'], wasSent: boolean): Failed {
  return { kind: 'failed', reason, wasSent }
}

/** The value of a header that was sent once. */
function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
