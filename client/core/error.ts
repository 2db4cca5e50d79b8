import { TRPCClientError } from '@trpc/client'
import type { ErrorCode } from '../../server/core/errors.ts'
import type { Failure, Issue, JsonValue } from '../../server/core/result.ts'
import type { DeputyServer } from './server-types.ts'

export interface DeputyErrorOptions {
  /** undefined when no answer came at all. */
  readonly code?: ErrorCode | undefined
  readonly requestId?: string | undefined
  readonly issues?: readonly Issue[] | undefined
  readonly details?: Readonly<Record<string, JsonValue>> | undefined
  readonly cause?: Error | undefined
}

/** The error of a call: thrown by a gate, by the parser, by the network, or by `unwrap`. */
export class DeputyError extends TRPCClientError<DeputyServer> {
  /** undefined when no answer came at all. */
  readonly code: ErrorCode | undefined
  /** The id to find the cause by in the server's log. */
  readonly requestId: string | undefined
  readonly issues: readonly Issue[]
  readonly details: Readonly<Record<string, JsonValue>>

  constructor(message: string, options: DeputyErrorOptions = {}) {
    super(message, options.cause ? { cause: options.cause } : {})
    // The base class sets its own prototype.
    Object.setPrototypeOf(this, new.target.prototype)
    this.name = 'DeputyError'
    this.code = options.code
    this.requestId = options.requestId
    this.issues = options.issues ?? []
    this.details = options.details ?? {}
  }

  /** Converts tRPC's own error, with all that it knows. */
  static fromTRPC(error: TRPCClientError<DeputyServer>): DeputyError {
    if (error instanceof DeputyError) return error
    const { data } = error
    return new DeputyError(error.message, {
      code: data?.code,
      requestId: data?.requestId ?? undefined,
      issues: data?.issues ?? undefined,
      details: data?.details ?? undefined,
      cause: error,
    })
  }

  /** Converts a returned failure. */
  static fromFailure(failure: Failure): DeputyError {
    return new DeputyError(failure.error, {
      code: failure.code,
      issues: failure.issues,
      details: failure.details,
    })
  }
}
