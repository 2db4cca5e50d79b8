import { TRPCError } from '@trpc/server'
import { type ActionResult, type Failure, fail } from '../core/result.ts'
import { UnexpectedError } from '../invocation/unexpected-error.ts'
import type { Callables } from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import { InvalidInput, toFailure } from '../trpc/error-shape.ts'
import { parseJson } from '../wire/json.ts'
import { checkMediaType } from './media-type.ts'

/** What our endpoints read of a request: the web's own Request, or what stands in for it. */
export interface RestRequest {
  readonly method: string
  readonly url: string
  readonly headers: Pick<Headers, 'get' | 'has'>
  /** Null where there is none. */
  readonly body: unknown
  arrayBuffer(): Promise<ArrayBuffer>
}

export interface ProcedureCall {
  readonly callables: Callables
  readonly path: string
  readonly ctx: RequestContext
  readonly input?: unknown
  /** Reads the input once the procedure asks for it, in place of `input`. It may throw a TRPCError. */
  readonly readInput?: () => Promise<unknown>
}

/** Calls a procedure, and answers with a result whatever it throws. */
export async function callProcedure({ callables, path, ctx, input, readInput }: ProcedureCall) {
  const callable = callables.get(path)
  if (!callable) throw new Error(`There is no procedure "${path}"`)
  return resultOf(ctx, () =>
    callable.call({ ctx, path, batchIndex: 0, readInput: readInput ?? (() => input) }),
  )
}

/** What a call answers, whatever it throws for tRPC. */
export async function resultOf(
  ctx: RequestContext,
  call: () => Promise<ActionResult<unknown>>,
): Promise<ActionResult<unknown>> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof TRPCError)) throw error
    logUnexpected(ctx, error)
    return toFailure(error)
  }
}

/** Logs an error that nobody expected, unless whoever threw it has. */
export function logUnexpected({ engine, requestId }: RequestContext, error: TRPCError): void {
  if (error.code !== 'INTERNAL_SERVER_ERROR' || error instanceof UnexpectedError) return
  engine.log.error({ err: error, requestId }, 'A call failed with an unexpected error')
}

export type JsonBody = { readonly value: unknown } | { readonly failure: Failure }

/** Reads a JSON body; an empty one is `{}`. */
export async function readJsonBody(request: RestRequest): Promise<JsonBody> {
  const body = new Uint8Array(await request.arrayBuffer())
  const mediaProblem = checkMediaType(request.headers, body.byteLength === 0)
  return mediaProblem ? { failure: mediaProblem } : readJson(body)
}

/** Reads JSON; no bytes at all are `{}`. Whether it can be stored and sent as it is, the call looks. */
export function readJson(body: Uint8Array): JsonBody {
  const json = parseJson(body)
  return json.ok ? { value: json.value } : { failure: badInput(new InvalidInput([json.issue])) }
}

export function badInput(error: InvalidInput): Failure {
  return fail('BAD_REQUEST', error.message, { issues: error.issues })
}
