import { type ClientRequest, DeputyError, type ErrorCode, type Issue } from '../../core/index.ts'
import { currentToken, endToken } from './session.ts'

/** Sends a request, and drops the token with which it was made where the server takes it no longer. @throws {Error} where no answer came */
export async function send(address: string, request: ClientRequest = {}): Promise<Response> {
  const response = await fetch(address, { ...(request as RequestInit), cache: 'no-store' }).catch(
    (cause: unknown) => {
      throw new Error('No answer came. Is the server running?', { cause })
    },
  )
  // What was typed stays until there is another one.
  if (response.status === 401 && request.headers?.authorization === authorization().authorization) endToken()
  return response
}

interface Sending {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Answer<T> {
  readonly data: T
  readonly requestId: string | undefined
}

/**
 * Calls over REST, as the one who looks, what is no procedure of the engine's or needs a header of its own.
 * @throws {DeputyError}
 */
export async function call<T>(
  path: string,
  { method = 'GET', headers, body }: Sending = {},
): Promise<Answer<T>> {
  const response = await send(path, {
    method,
    headers: {
      ...authorization(),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((cause: Error) => {
    throw new DeputyError(cause.message, { cause })
  })
  const requestId = response.headers.get('x-request-id') ?? undefined
  const answer: unknown = await response.json().catch(() => ({}))
  if (response.ok) return { data: dataOf(answer) as T, requestId }
  const { error = `The server answered ${response.status}.`, ...failure } = answer as FailureBody
  throw new DeputyError(error, { ...failure, requestId })
}

/** How often what may pass is asked for again. */
export const RETRIES = 2

const PASSING: readonly (ErrorCode | undefined)[] = [
  'INTERNAL_SERVER_ERROR',
  'BAD_GATEWAY',
  'SERVICE_UNAVAILABLE',
  'GATEWAY_TIMEOUT',
]

/** Whether a query that calls over REST is tried again: what is refused is refused again. */
export function isWorthRetry(failures: number, error: Error): boolean {
  return failures < RETRIES && error instanceof DeputyError && PASSING.includes(error.code)
}

interface FailureBody {
  readonly error?: string
  readonly code?: ErrorCode
  readonly issues?: readonly Issue[]
}

function authorization(): Readonly<Record<string, string>> {
  const token = currentToken()
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** A result's data; documents are no results. */
function dataOf(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null && 'success' in answer
    ? (answer as { readonly data?: unknown }).data
    : answer
}
