import type { Failure } from '../core/result.ts'
import type { RequestContext } from '../trpc/context.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import type { RequestTarget } from './request-head.ts'

/** A request to one of the engine's endpoints. */
export interface EngineRequest extends RequestTarget {
  readonly exchange: Exchange
  readonly ctx: RequestContext
  /** What follows the endpoint's address, with its slash; still encoded. */
  readonly path: string
}

/** What a request asks of the server. */
export interface Weight {
  /** How many pages it may read: each read of ours may answer with one. */
  readonly pages: number
  /** Whether it calls nothing that writes. */
  readonly isRead: boolean
  /** How many calls it asks for. */
  readonly calls: number
}

/** What answers at one address of the engine's, and below it. */
export interface Endpoint {
  readonly transport: 'rest' | 'trpc' | 'mcp'
  /** At once, but where only the body says what is asked. @throws {BodyTooLargeError | RequestEndedError} */
  weigh(request: EngineRequest): Weight | Promise<Weight>
  /** @throws {BodyTooLargeError | RequestEndedError} */
  answer(request: EngineRequest): Promise<HttpAnswer>
  /** A failure of a request as a whole. */
  refuse(failure: Failure, requestId: string): HttpAnswer
}
