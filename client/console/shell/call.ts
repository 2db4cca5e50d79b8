import { currentToken, endToken } from './session.ts'

/** What was wrong at one place of an input. */
export interface Issue {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** A call that the server has refused, or that no answer came to. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure'
  /** Of HTTP; 0 where no answer came. */
  readonly status: number
  readonly code: string
  readonly issues: readonly Issue[]
  readonly requestId: string | undefined

  constructor(status: number, { error, code, issues }: FailureBody, requestId: string | undefined) {
    super(error ?? `The server answered ${status}.`)
    this.status = status
    this.code = code ?? ''
    this.issues = issues ?? []
    this.requestId = requestId
  }
}

interface FailureBody {
  readonly error?: string
  readonly code?: string
  readonly issues?: readonly Issue[]
}

export interface Sending {
  readonly method?: 'GET' | 'POST' | 'PATCH'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Answer<T> {
  readonly data: T
  readonly requestId: string | undefined
}

/** Calls the API as the one who looks. @throws {CallFailure} */
export async function call<T>(path: string, sending: Sending = {}): Promise<Answer<T>> {
  const token = currentToken()
  const { method = 'GET', headers, body } = sending
  let response: Response
  try {
    response = await fetch(path, {
      method,
      cache: 'no-store',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch {
    throw new CallFailure(0, { error: 'No answer came. Is the server running?' }, undefined)
  }
  const requestId = response.headers.get('x-request-id') ?? undefined
  const answer: unknown = await response.json().catch(() => ({}))
  if (response.ok) return { data: dataOf(answer) as T, requestId }
  // A token that has ended: what was typed stays until there is another one.
  if (response.status === 401 && token !== undefined && token === currentToken()) endToken()
  throw new CallFailure(response.status, answer as FailureBody, requestId)
}

/** A result's data; documents are no results. */
function dataOf(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null && 'success' in answer
    ? (answer as { readonly data?: unknown }).data
    : answer
}
