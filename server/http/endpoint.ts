import { type ActionResult, type Failure, fail } from '../core/result.ts'
import type { Call } from '../trpc/call.ts'
import { callProcedure, resultOf } from '../trpc/call-procedure.ts'
import type { Callables } from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import { withReplayed } from './idempotency-header.ts'
import type { RequestTarget } from './request-target.ts'
import { answerOf } from './respond.ts'

/** What an address is answered with that nothing is at. */
export const NOTHING_HERE = fail('NOT_FOUND', 'There is nothing at this address.')

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
}

/** What answers at one address of the engine's, and below it. */
export interface Endpoint {
  readonly transport: 'rest' | 'trpc'
  weigh(request: EngineRequest): Weight
  /** @throws {BodyTooLargeError | RequestEndedError} */
  answer(request: EngineRequest): Promise<HttpAnswer>
  /** A failure of a request as a whole. */
  refuse(failure: Failure, requestId: string): HttpAnswer
}

/** What an address over REST answers. */
export interface RestAnswer {
  readonly result: ActionResult<unknown>
  /** The methods that the address takes, when it was called with another. */
  readonly allow?: string | undefined
}

const WRITING: Weight = { pages: 0, isRead: false }

/** Makes an endpoint of what answers with results. @param reads whether a GET may answer with a page */
export function restEndpoint(
  reads: boolean,
  call: (request: EngineRequest) => Promise<RestAnswer>,
): Endpoint {
  const reading = { pages: reads ? 1 : 0, isRead: true }
  return {
    transport: 'rest',
    weigh: ({ exchange: { method } }) => (method === 'GET' || method === 'HEAD' ? reading : WRITING),
    refuse: answerOf,
    async answer(request) {
      const { result, allow } = await call(request)
      const answer = withReplayed(answerOf(result, request.ctx.requestId), request.ctx)
      if (allow !== undefined) answer.headers.allow = allow
      return answer
    },
  }
}

/** Calls a procedure as the one call of a request. */
export async function callOnce(
  callables: Callables,
  call: Omit<Call, 'batchIndex'>,
): Promise<ActionResult<unknown>> {
  const callable = callables.get(call.path)
  return callable ? resultOf(await callProcedure(callable, { ...call, batchIndex: 0 })) : NOTHING_HERE
}
