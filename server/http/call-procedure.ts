import { callTRPCProcedure, TRPCError } from '@trpc/server'
import { type ActionResult, type Failure, fail } from '../core/result.ts'
import { UnexpectedError } from '../invocation/unexpected-error.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import type { RequestContext } from '../trpc/context.ts'
import { InvalidInput, toFailure } from '../trpc/error-shape.ts'
import { findUnacceptableInput } from '../wire/guard.ts'
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
  readonly router: ReturnType<typeof createAppRouter>
  readonly path: string
  readonly type: 'query' | 'mutation'
  readonly ctx: RequestContext
  readonly input?: unknown
  /** Reads the input once the procedure asks for it, in place of `input`. It may throw a TRPCError. */
  readonly readInput?: () => Promise<unknown>
}

/** Calls a procedure as tRPC would, and answers with a result whatever it throws. */
export async function callProcedure(options: ProcedureCall): Promise<ActionResult<unknown>> {
  const { input, readInput = async () => input, ...call } = options
  let reading: Promise<unknown> | undefined
  return resultOf(call.ctx, async () => {
    const result: unknown = await callTRPCProcedure({
      ...call,
      batchIndex: 0,
      // No procedure of ours stops when its caller has gone: what it did would not be known.
      signal: undefined,
      getRawInput: () => {
        reading ??= readInput()
        return reading
      },
    })
    return result as ActionResult<unknown> // Every procedure of ours returns one; its type says so.
  })
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

/** Reads a JSON body that can be stored and sent as it is; an empty one is `{}`. */
export async function readJsonBody(request: RestRequest): Promise<JsonBody> {
  const body = new Uint8Array(await request.arrayBuffer())
  const mediaProblem = checkMediaType(request.headers, body.byteLength === 0)
  return mediaProblem ? { failure: mediaProblem } : readJson(body)
}

/** Reads JSON that can be stored and sent as it is; no bytes at all are `{}`. */
export function readJson(body: Uint8Array): JsonBody {
  const json = parseJson(body)
  if (!json.ok) return { failure: badInput(new InvalidInput([json.issue])) }
  // Before dates are looked for: too deep an input would make that expensive.
  const issue = findUnacceptableInput(json.value)
  return issue ? { failure: badInput(new InvalidInput([issue])) } : { value: json.value }
}

export function badInput(error: InvalidInput): Failure {
  return fail('BAD_REQUEST', error.message, { issues: error.issues })
}
