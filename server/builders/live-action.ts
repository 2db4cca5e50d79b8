import type { z } from 'zod'
import type { UserActor } from '../auth/actor.ts'
import type { ActionResult, Failure } from '../core/result.ts'
import type { CallSlot } from '../invocation/call-slots.ts'
import type { Engine } from '../invocation/engine.ts'
import { toTrpcError } from '../invocation/failures.ts'
import { Invocation } from '../invocation/invocation.ts'
import { InvocationRecord } from '../invocation/invocation-record.ts'
import { LiveActionQuery, mayPass, type RunAction } from '../live/action-query.ts'
import type { OpenStreams } from '../live/live-hub.ts'
import type { LiveStream } from '../live/live-stream.ts'
import { type AcceptedCall, type CallOptions, createCall, DEFAULT_DEADLINE_MS } from '../trpc/call.ts'
import { enterSlot } from '../trpc/call-limits.ts'
import type { Callable } from '../trpc/callable.ts'
import { createRequestContext } from '../trpc/context.ts'
import { failureOf } from '../trpc/error-shape.ts'
import { LIVE_SUFFIX } from '../trpc/init.ts'

type ActionCall = AcceptedCall<UserActor, unknown>
type ActionCallOptions = CallOptions<UserActor, z.ZodType, unknown>

/** What a call leaves for the runs after it: who calls what, with which input. */
type Repeated = Pick<ActionCall, 'engine' | 'actor' | 'input'> &
  Pick<Invocation, 'action' | 'requestId' | 'transport' | 'ip'>

/**
 * Makes what opens streams of an action that only reads. Opening one is a call of the action, which gives the first
 * answer; each answer after that is a run of its own, by the same gate and the same handler, in the room of a call. It is
 * not limited, logged or audited again.
 */
export function createLiveAction(options: ActionCallOptions, streams: OpenStreams): Callable {
  const { dryRun: _none, ...others } = options
  const call = createCall<UserActor, z.ZodType, LiveStream>({
    ...others,
    answered: ({ first }) => first?.value as ActionResult<unknown> | undefined, // What an LiveActionQuery answers.
    run: (opening) => openStream(opening, options, streams),
  })
  return {
    kind: 'subscription',
    schema: options.schema,
    call: ({ path, ...rest }) => call({ ...rest, path: path.slice(0, -LIVE_SUFFIX.length) }),
  }
}

function openStream(
  opening: ActionCall,
  options: ActionCallOptions,
  streams: OpenStreams,
): Promise<ActionResult<LiveStream>> {
  const { engine, actor, ctx, record, invocation } = opening
  const { userId, token, claims } = actor
  const query = new LiveActionQuery({
    key: engine.fingerprint([invocation.action, userId, token ?? claims, record.inputHash ?? null]),
    holder: userId,
    first: (reads) => {
      record.collectReads(reads)
      return Promise.resolve(options.run(opening))
    },
    again: repeat(repeatedOf(opening), options),
  })
  return streams.open({ actor, address: ctx.ip, query })
}

function repeatedOf({ engine, actor, input, ctx, invocation }: ActionCall): Repeated {
  const { requestId, transport, ip } = ctx
  return { engine, actor, input, action: invocation.action, requestId, transport, ip }
}

/** Makes the runs after the first one. Apart from the call, whose memory is not held by what is made here. */
function repeat(repeated: Repeated, options: ActionCallOptions): RunAction {
  return async (reads) => {
    const { engine, actor, input } = repeated
    const { invocation, record } = begin(repeated, options)
    record.collectReads(reads)
    const ctx = createRequestContext(engine, { ...repeated, authorization: undefined })
    const call: ActionCall = { ctx, engine, actor, input, invocation, record }
    return tracked(engine, call, async () => {
      let slot: CallSlot | undefined
      try {
        slot = await enterSlot({ ctx, actor, timeline: record.timeline })
        return await gated({ ...call, slot }, options)
      } catch (error) {
        const failure = failureOf(error)
        if (mayPass(failure)) return failure
        throw error
      } finally {
        slot?.leave()
      }
    })
  }
}

function begin(
  { engine, ...repeated }: Repeated,
  { schema, budget, deadlineMs, lifetimeMs }: ActionCallOptions,
) {
  const invocation = new Invocation({
    ...repeated,
    readOnly: true,
    deadlineMs: deadlineMs ?? DEFAULT_DEADLINE_MS,
    lifetimeMs,
    actionBudget: budget,
    log: engine.log,
  })
  const record = new InvocationRecord(engine.fingerprint, engine.clock())
  record.accept(repeated.input, schema)
  return { invocation, record }
}

async function tracked<T>(
  { liveCalls }: Pick<Engine, 'liveCalls'>,
  call: ActionCall,
  run: () => Promise<T>,
): Promise<T> {
  liveCalls.add(call)
  try {
    return await run()
  } finally {
    liveCalls.delete(call)
  }
}

/** Runs the handler, unless the gate does not let its caller in any more. @throws {TRPCError} where it does not */
async function gated(call: ActionCall, { gate, run }: ActionCallOptions): Promise<ActionResult<unknown>> {
  const { ctx, actor, input } = call
  const refusal: Failure | undefined = await gate?.({ ctx, actor, readInput: () => input })
  if (refusal) throw toTrpcError(refusal)
  return run(call)
}
