import { getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server'
import type { z } from 'zod'
import type { UserActor } from '../auth/actor.ts'
import type { ActionResult } from '../core/result.ts'
import { answerBefore, runCall } from '../invocation/call.ts'
import type { Invocation } from '../invocation/invocation.ts'
import type { Handler } from '../invocation/run.ts'
import { thrown } from '../invocation/thrown.ts'
import { InvalidInput, toFailure } from '../trpc/error-shape.ts'
import {
  beginInvocation,
  type CallPlace,
  endInvocation,
  failureOf,
  type InvokedOptions,
  withInput,
} from '../trpc/invoked.ts'
import {
  authenticated,
  badRequest,
  parserOf,
  refuseKeyOfRead,
  refuseUnacceptable,
} from '../trpc/procedure.ts'
import { reviveBySchema } from '../wire/from-json.ts'
import { TooMuchWork } from '../wire/parse-budget.ts'
import type { Gate } from './gate.ts'

/** What the life of an action's call needs to know of the action. */
export interface CallableAction {
  readonly schema: z.ZodType
  readonly gate: Gate
  readonly options: InvokedOptions
  /** Gives a handler that runs in one attempt. */
  handlerOf(call: {
    readonly invocation: Invocation
    readonly actor: UserActor
    readonly input: unknown
  }): Handler<unknown>
}

/** One call of an action, whatever it came by. */
export interface ActionCall extends CallPlace {
  /** Reads what the caller sent, once the gate has let the caller in. */
  readInput(): unknown
}

/**
 * The life of a call: who calls, whether they may, what they sent, the attempts, and what is to be said of it
 * afterwards. Every transport comes here.
 *
 * @throws {TRPCError} what the call was refused for, and what the handler threw.
 */
export type CallAction = (call: ActionCall) => Promise<ActionResult<unknown>>

/** Makes an action callable. */
export function createCallAction({ schema, gate, options, handlerOf }: CallableAction): CallAction {
  const parse = parserOf(schema)
  const type = options.readOnly ? 'query' : 'mutation'

  async function run({ ctx, readInput }: ActionCall, actor: UserActor, invocation: Invocation) {
    const failure = await gate(ctx, actor)
    if (failure) throw thrown(failure)
    const raw = await readInput()
    refuseUnacceptable(raw)
    const revived = reviveBySchema(schema, raw)
    invocation.sent = { raw, revived }
    let input: unknown
    try {
      input = await parse(revived)
    } catch (error) {
      const before = error instanceof InvalidInput ? await answerBefore(invocation) : undefined
      if (before) return before
      throw error
    }
    return runCall(withInput(invocation, input, schema), handlerOf({ invocation, actor, input }))
  }

  return async (call) => {
    const { ctx, batchIndex } = call
    const actor = await authenticated(ctx)
    refuseKeyOfRead(ctx, type, batchIndex)
    const invocation = beginInvocation(call, actor, options)
    let result: ActionResult<unknown>
    try {
      result = await run(call, actor, invocation)
    } catch (error) {
      const refusal = toTrpcError(error)
      await endInvocation(call, invocation, toFailure(refusal))
      throw refusal
    }
    await endInvocation(call, invocation, failureOf(result))
    return result
  }
}

function toTrpcError(error: unknown): TRPCError {
  if (error instanceof TooMuchWork)
    return badRequest(new InvalidInput([{ path: [], message: error.message }]))
  return error instanceof InvalidInput ? badRequest(error) : getTRPCErrorFromUnknown(error)
}
