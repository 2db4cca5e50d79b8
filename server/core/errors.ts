/** Every code a caller can meet: tRPC's own names, each with its HTTP status. */
export const HTTP_STATUS = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  PAYMENT_REQUIRED: 402,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_SUPPORTED: 405,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNPROCESSABLE_CONTENT: 422,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_SERVER_ERROR: 500,
  BAD_GATEWAY: 502,
  SERVICE_UNAVAILABLE: 503,
  GATEWAY_TIMEOUT: 504,
} as const

export type ErrorCode = keyof typeof HTTP_STATUS

/** The only sentence an INTERNAL_SERVER_ERROR shows; its cause goes to the log with the request id. */
export const INTERNAL_MESSAGE =
  'Something went wrong on the server. The request id finds the cause in its log.'

/** The only sentence an UNAUTHORIZED shows: it never says what was wrong with a token. */
export const UNAUTHORIZED_MESSAGE = 'Sign in first: this call needs a valid Bearer token.'

/** Whether a string from outside (an upstream, a cause) is one of our codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(HTTP_STATUS, value)
}

/** The app is declared in a way that cannot work: the server does not start with it. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError'
}
