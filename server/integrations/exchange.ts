import type { EventEmitter } from 'node:events'
import { type Dispatcher, errors } from 'undici'
import type { JsonValue } from '../core/result.ts'
import { RefusedAddressError } from './public-connector.ts'
import { parseSendableJson, readText, TooLargeError } from './read-json.ts'
import { redactSecrets } from './redact-secrets.ts'

export interface OutboundRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  /** Headers besides those for JSON; none of framing, and no control characters in their values. */
  readonly headers: Readonly<Record<string, string>>
  /** Credentials that are sent with it, which must appear in no answer and no error. */
  readonly secrets: readonly string[]
  readonly body?: JsonValue | undefined
  /** Milliseconds from resolving the name to the last byte of the answer. */
  readonly timeoutMs: number
  /** The most bytes of the answer's body, after decompression. */
  readonly maxBytes: number
}

export type OutboundResponse =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** null where an error (status 400 and above) came without JSON. */
      readonly body: JsonValue
      /** The seconds that `Retry-After` asks for, from 1 to 3600; undefined without a valid one. */
      readonly retryAfterSeconds: number | undefined
    }
  /** Nothing usable came back. */
  | {
      readonly kind: 'failed'
      readonly reason: /** The request itself cannot be sent: a bad header, or the client is closed. */
      'not sent' | 'refused address' | 'unreachable' | 'timeout' | 'redirect' | 'too large' | 'not JSON'
      /** Whether a part of the request may have arrived. */
      readonly wasSent: boolean
      /** Of an answer that cannot be used. @default none came */
      readonly status?: number
    }

type Failed = Extract<OutboundResponse, { kind: 'failed' }>
type Answered = Dispatcher.ResponseData

export interface ExchangeOptions {
  readonly agent: Dispatcher
  /** Emits `abort` when the exchange ends, in any way. An AbortSignal would cost more than the rest of the exchange. */
  readonly over: EventEmitter
  readonly clock: () => Date
  /** Called before the first byte of the request is written. */
  onSending(): void
}

export const NOT_SENT: Failed = { kind: 'failed', reason: 'not sent', wasSent: false }
const JSON_TYPE = /^(?:application\/json|[\w.-]+\/[\w.+-]+\+json)\s*(?:;|$)/i
const MAX_RETRY_AFTER_SECONDS = 3600
/** RFC 9110, 5.6.7, the one form that may be sent. `Date` alone would read far more as a date, `-5` included. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** Sends one request and reads its answer. It never rejects, and no error of the client's leaves it. */
export async function exchange(request: OutboundRequest, how: ExchangeOptions): Promise<OutboundResponse> {
  let wasSent = false
  const sending = noticeSending(() => {
    wasSent = true
    how.onSending()
  })
  try {
    const options = dispatchOptions(request)
    if (!options) return NOT_SENT
    const answered = await how.agent.compose(sending).request({ ...options, signal: how.over })
    // A body that is not read is destroyed with an error, which would otherwise be unhandled.
    answered.body.on('error', () => undefined)
    if (answered.statusCode >= 300 && answered.statusCode < 400)
      return failed('redirect', true, answered.statusCode)
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

/** Calls back when a request has a connection: before that, no part of it can have arrived. */
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
  if (body === undefined && status < 400) return failed('not JSON', true, status)
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
  return text === undefined ? undefined : parseSendableJson(text)
}

function toFailure(error: unknown, wasSent: boolean): Failed {
  if (error instanceof RefusedAddressError) return failed('refused address', false)
  if (error instanceof TooLargeError) return failed('too large', true)
  if (!wasSent && error instanceof errors.InvalidArgumentError) return NOT_SENT
  return failed('unreachable', wasSent)
}

function failed(reason: Failed['reason'], wasSent: boolean, status?: number): Failed {
  return { kind: 'failed', reason, wasSent, ...(status === undefined ? {} : { status }) }
}

/** Reads a `Retry-After` header, from 1 to 3600 seconds; undefined when it is not valid. */
function parseRetryAfter(value: string, now: Date): number | undefined {
  const text = value.trim()
  const seconds = /^\d+$/.test(text) ? Number(text) : HTTP_DATE.test(text) ? secondsUntil(text, now) : 0
  return seconds >= 1 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) : undefined
}

function secondsUntil(date: string, now: Date): number {
  return Math.ceil((Date.parse(date) - now.getTime()) / 1000)
}

/** Returns a header's value; undefined when it is missing or sent twice. */
function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** RFC 9110, 5.1. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/
/** Latin-1 without control characters. A line break would begin a header of its own. */
const VALUE = /^[\x20-\x7e\xa0-\xff]*$/
/** What says where a message goes and where it ends; TLS also takes its server name from `host`. */
const OURS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
])

/** The headers of a request, by lowercase name, or undefined if one of them may not be sent. */
function outboundHeaders(
  headers: Readonly<Record<string, string>>,
  hasBody: boolean,
): Record<string, string> | undefined {
  const sent = new Map([
    ['accept', 'application/json'],
    ['accept-encoding', 'gzip, br'],
    // Some providers refuse a request without.
    ['user-agent', 'deputy'],
  ])
  if (hasBody) sent.set('content-type', 'application/json')
  for (const [name, value] of Object.entries(headers)) {
    const lowercase = name.toLowerCase()
    if (!NAME.test(name) || !VALUE.test(value) || OURS.has(lowercase)) return undefined
    sent.set(lowercase, value)
  }
  return Object.fromEntries(sent)
}
