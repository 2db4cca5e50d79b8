import { TRPCError } from '@trpc/server'
import { INTERNAL_MESSAGE } from '../core/errors.ts'

/** An error that nobody expected. Whoever makes one has logged its cause with the request id. */
export class UnexpectedError extends TRPCError {
  constructor(cause: unknown) {
    super({ code: 'INTERNAL_SERVER_ERROR', message: INTERNAL_MESSAGE, cause })
  }
}
