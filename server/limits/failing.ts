import { type ErrorCode, HTTP_STATUS } from '../core/errors.ts'

/**
 * Which failures count for `failing`: those of calls whose caller could have known better. What depends on what others
 * do, on what the app has or on its setup counts for no one: whoever can change the same records could use it up.
 */
const COUNTS_AS_FAILING: Readonly<Record<ErrorCode, boolean>> = {
  BAD_REQUEST: true,
  UNAUTHORIZED: true,
  PAYMENT_REQUIRED: false,
  FORBIDDEN: true,
  NOT_FOUND: true,
  METHOD_NOT_SUPPORTED: true,
  CONFLICT: false,
  PRECONDITION_FAILED: false,
  PAYLOAD_TOO_LARGE: true,
  UNSUPPORTED_MEDIA_TYPE: true,
  UNPROCESSABLE_CONTENT: true,
  TOO_MANY_REQUESTS: false,
  INTERNAL_SERVER_ERROR: false,
  BAD_GATEWAY: false,
  SERVICE_UNAVAILABLE: false,
  GATEWAY_TIMEOUT: false,
}

/** Whether a failure of this code counts for `failing`. */
export function countsAsFailing(code: ErrorCode): boolean {
  return COUNTS_AS_FAILING[code]
}

const COUNTED_STATUSES: ReadonlySet<number> = new Set(
  Object.entries(HTTP_STATUS).flatMap(([code, status]) =>
    // Its keys are the codes.
    COUNTS_AS_FAILING[code as ErrorCode] ? [status] : [],
  ),
)

/** As `countsAsFailing`, of an answer's status. */
export function isFailingStatus(status: number): boolean {
  return COUNTED_STATUSES.has(status)
}
