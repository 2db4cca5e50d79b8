import { TRPCError } from '@trpc/server'
import { INTERNAL_MESSAGE } from '../core/errors.ts'

/** An internal error, whose cause is logged with the request id before it is thrown. */
export class UnexpectedError extends TRPCError {
  constructor(cause: unknown) {
    super({ code: 'INTERNAL_SERVER_ERROR', message: INTERNAL_MESSAGE, cause })
  }
}
