import { TRPCClientError } from '@trpc/client'
import type { ErrorCode } from '../../server/core/errors.ts'
import type { Failure, Issue, JsonValue } from '../../server/core/result.ts'
import { requestIdOf } from './request-ids.ts'

export interface DeputyErrorOptions {
  /** undefined when no answer came at all. */
  readonly code?: ErrorCode | undefined
  readonly requestId?: string | undefined
  readonly issues?: readonly Issue[] | undefined
  readonly details?: Readonly<Record<string, JsonValue>> | undefined
  readonly cause?: Error | undefined
}

/** tRPC's error, so that its packages know it; as a type any error, so that the client's types need none of tRPC's. */
const ClientError: new (message: string, options: { readonly cause?: Error }) => Error = TRPCClientError

/** The error of a call: thrown by a gate, by the parser, by the network, or by `unwrap`. */
export class DeputyError extends ClientError {
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

  /** Converts a returned failure, with the id of the request that was answered so. */
  static fromFailure(failure: Failure): DeputyError {
    return new DeputyError(failure.error, {
      code: failure.code,
      requestId: requestIdOf(failure),
      issues: failure.issues,
      details: failure.details,
    })
  }
}
