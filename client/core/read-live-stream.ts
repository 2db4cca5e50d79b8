// A part of what the first subscription loads.

import type { ErrorData } from '../../server/core/error-data.ts'
import type { ClientFetch, ClientResponse } from './client-fetch.ts'
import { DeputyError } from './error.ts'
import { createEventReader, type StreamEvent } from './event-reader.ts'
import type { LiveHandlers } from './live-types.ts'
import { transformer } from './transformer.ts'

export interface LiveSource {
  /** The address of tRPC, without a slash at its end. */
  readonly url: string
  readonly fetch: ClientFetch
  /** Gives the headers of a request, with a token that is fresh. */
  headers(): Promise<Record<string, string>>
}

export interface LiveRequest {
  readonly path: string
  readonly input: unknown
  readonly handlers: LiveHandlers<unknown>
  readonly signal: AbortSignal
}

const EVENT_STREAM = 'text/event-stream'
/** The server says every 15 s that it is there. A laptop that was asleep has missed that, and is told of no end. */
const MAX_SILENCE_MS = 45_000

/** What came of one stream. */
interface Outcome {
  readonly lastId: string | undefined
  readonly error: DeputyError
  /** Whether it would be refused again. */
  readonly isFinal: boolean
  readonly retryAfterMs: number
}

/** Opens the stream once, and reads it to its end. Never throws. */
export async function readOnce(
  { url, fetch, headers }: LiveSource,
  { path, input, handlers, signal }: LiveRequest,
  since: string | undefined,
  onOpen: () => void,
): Promise<Outcome> {
  let lastId = since
  const cut = new AbortController()
  const abort = () => cut.abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  const passing = (error: DeputyError): Outcome => ({ lastId, error, isFinal: false, retryAfterMs: 0 })
  const hand = (event: StreamEvent) => {
    if (event.type !== 'message') return
    if (event.id !== undefined) lastId = event.id
    const data = transformer.deserialize(JSON.parse(event.data))
    told(() => handlers.onData?.(data))
  }
  // A laptop that was asleep, or a network that takes what is sent and answers nothing, tells of no failure.
  const silence = setTimeout(abort, MAX_SILENCE_MS)
  try {
    let response: ClientResponse
    try {
      const request = async () =>
        fetch(addressOf(url, path, input), {
          method: 'GET',
          headers: {
            ...(await headers()),
            accept: EVENT_STREAM,
            ...(since === undefined ? {} : { 'last-event-id': since }),
          },
          signal: cut.signal,
        })
      response = await unlessCut(request(), cut.signal)
    } catch (error) {
      // Of its own making: what cannot be sent is never sent.
      if (error instanceof DeputyError) return { lastId, error, isFinal: true, retryAfterMs: 0 }
      return passing(new DeputyError(`No stream could be opened: ${messageOf(error)}`, causeOf(error)))
    } finally {
      clearTimeout(silence)
    }
    if (!response.ok) return { lastId, ...(await refusalOf(response)) }
    if (!response.body) {
      const error = new DeputyError(
        'This fetch gives no body to read as it comes; give createClient one that does.',
      )
      return { lastId, error, isFinal: true, retryAfterMs: 0 }
    }
    const type = response.headers?.get('content-type') ?? EVENT_STREAM
    if (!type.startsWith(EVENT_STREAM))
      return passing(new DeputyError(`What answered is no stream of this server’s: it sent ${type}.`))
    onOpen()
    await readAll(response.body, cut, hand)
    return passing(new DeputyError('The stream has ended.'))
  } finally {
    signal.removeEventListener('abort', abort)
    cut.abort()
  }
}

/** Gives up what is waited for when it is cut, whether or not it heeds that itself. */
function unlessCut<T>(work: Promise<T>, cut: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error('No answer came.'))
    cut.addEventListener('abort', giveUp, { once: true })
    work.finally(() => cut.removeEventListener('abort', giveUp)).then(resolve, reject)
  })
}

/** Reads a stream until it ends, is cut, or is silent for too long. Never throws. */
async function readAll(
  body: NonNullable<ClientResponse['body']>,
  cut: AbortController,
  hand: (event: StreamEvent) => void,
): Promise<void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const readEvents = createEventReader()
  for (;;) {
    const silence = setTimeout(() => cut.abort(), MAX_SILENCE_MS)
    const read = await unlessCut(reader.read(), cut.signal).catch(() => undefined)
    clearTimeout(silence)
    if (!read || read.done || !read.value) return
    for (const event of readEvents(decoder.decode(read.value, { stream: true }))) hand(event)
  }
}

function addressOf(url: string, path: string, input: unknown): string {
  if (input === undefined) return `${url}/${path}`
  return `${url}/${path}?input=${encodeURIComponent(JSON.stringify(transformer.serialize(input)))}`
}

/** What the server says of a stream that it does not open. */
async function refusalOf(response: ClientResponse): Promise<Omit<Outcome, 'lastId'>> {
  const status = response.status ?? 0
  const shape = await response
    .json()
    .then((body) => transformer.deserialize((body as { error: never }).error) as RefusalShape)
    .catch(() => undefined)
  const { data, message = `The stream was refused (HTTP ${status}).` } = shape ?? {}
  const error = new DeputyError(message, {
    code: data?.code,
    requestId: data?.requestId ?? undefined,
    issues: data?.issues ?? undefined,
    details: data?.details ?? undefined,
  })
  const asked = Number(response.headers?.get('retry-after') ?? 0)
  const isPassing = status === 408 || status === 429 || status >= 500
  return { error, isFinal: !isPassing, retryAfterMs: Number.isFinite(asked) ? asked * 1_000 : 0 }
}

interface RefusalShape {
  readonly message?: string
  readonly data?: ErrorData
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function causeOf(error: unknown) {
  return error instanceof Error ? { cause: error } : {}
}

/** What a handler throws is an error of the app's, which ends no stream. */
export function told(tell: () => void): void {
  try {
    tell()
  } catch (error) {
    setTimeout(() => {
      throw error
    })
  }
}
