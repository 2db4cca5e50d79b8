import { getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server'
import type { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import { DefinitionError } from '../core/errors.ts'
import { type ActionResult, type Failure, keepCause } from '../core/result.ts'
import type { Omissible } from '../core/typed-procedures.ts'
import { toTrpcError, UnexpectedError } from '../invocation/failures.ts'
import { answersOf } from '../live/iterate.ts'
import type { LiveStream } from '../live/live-stream.ts'
import { type Call, type CallOptions, createCall } from './call.ts'
import type { RequestContext } from './context.ts'
import { toFailure } from './error-shape.ts'
import { ACTIONS_PREFIX, type ActionMeta, t } from './init.ts'
import type { MutationProcedure, QueryProcedure, SubscriptionProcedure } from './procedures.ts'

const CALLABLE: unique symbol = Symbol('deputy.callable')

/** What every procedure of an app's router holds: how it is called, without tRPC's chain of middleware. */
export interface Callable {
  /** A subscription answers with a stream, for its transport to attach to. */
  readonly kind: 'query' | 'mutation' | 'subscription'
  /** What it parses its input by. */
  readonly schema: z.ZodType
  /** @throws {TRPCError} what the call was refused for, and what was thrown while it ran. */
  call(call: Call): Promise<ActionResult<unknown>>
}

type InputOf<TSchema extends z.ZodType> =
  undefined extends z.input<TSchema> ? Omissible<z.input<TSchema>> : z.input<TSchema>

type Options<TActor extends Actor, TSchema extends z.ZodType, TData> = Omit<
  CallOptions<TActor, TSchema, TData>,
  'kind'
>

/** Defines a procedure of the engine's own that only reads. */
export function defineQuery<TActor extends Actor, TSchema extends z.ZodType, TData>(
  options: Options<TActor, TSchema, TData>,
): QueryProcedure<InputOf<TSchema>, TData> {
  return toProcedure({
    kind: 'query',
    schema: options.schema,
    call: createCall({ ...options, kind: 'query' }),
  })
}

/** Defines a procedure of the engine's own that writes. */
export function defineMutation<TActor extends Actor, TSchema extends z.ZodType, TData>(
  options: Options<TActor, TSchema, TData>,
): MutationProcedure<InputOf<TSchema>, TData> {
  return toProcedure({
    kind: 'mutation',
    schema: options.schema,
    call: createCall({ ...options, kind: 'mutation' }),
  })
}

/**
 * Defines a procedure that opens a stream, which is a call like that of a query. `TData` is what the stream shows: what
 * its query answers.
 */
export function defineLive<TData, TActor extends Actor = Actor, TSchema extends z.ZodType = z.ZodType>(
  options: Options<TActor, TSchema, LiveStream>,
): SubscriptionProcedure<InputOf<TSchema>, TData> {
  return toProcedure({
    kind: 'subscription',
    schema: options.schema,
    call: createCall({ ...options, kind: 'query' }),
  })
}

/**
 * Makes tRPC's procedure of a callable: its middleware is the whole call, and its resolver gives the answer. The type is
 * the one that the callable's schema and answer have.
 */
export function toProcedure<TProcedure>(callable: Callable, meta: ActionMeta = {}): TProcedure {
  const procedure = t.procedure.meta(meta).use(async ({ ctx, path, batchIndex, getRawInput, next }) => {
    const result = await callable.call({ ctx, path, batchIndex, readInput: getRawInput })
    return next({ ctx: { result } })
  })
  const made = {
    query: () => procedure.query(answer),
    mutation: () => procedure.mutation(answer),
    subscription: () => procedure.subscription(({ ctx, signal }) => streamed(ctx.result, signal)),
  }[callable.kind]()
  return Object.assign(made, { [CALLABLE]: callable }) as unknown as TProcedure
}

/** Gives the answers of a stream to a caller in process. @throws {TRPCError} where it was refused */
function streamed(result: ActionResult<unknown>, signal: AbortSignal | undefined) {
  if (!result.success) throw toTrpcError(result)
  return answersOf(result.data as LiveStream, signal) // A subscription answers with nothing else.
}

/** What a router calls, by its whole path. */
export type Callables = ReadonlyMap<string, Callable>

/** Lists everything that a router calls, by its whole path such as `records.events.list`. */
export function callablesOf(router: { readonly _def: { readonly procedures: object } }): Callables {
  // At run time they are listed flat, by their whole paths.
  const procedures = Object.entries(router._def.procedures as Readonly<Record<string, object>>)
  return new Map(
    procedures.map(([path, procedure]) => {
      if (!(CALLABLE in procedure)) throw new DefinitionError(`The procedure "${path}" has no callable`)
      return [path, procedure[CALLABLE] as Callable] // Set by `toProcedure` alone.
    }),
  )
}

/** Lists the names of everything that a router calls, as the log has them: an action's without its prefix. */
export function namesOf(router: Parameters<typeof callablesOf>[0]): readonly string[] {
  return [...callablesOf(router)].flatMap(([path, { kind }]) => {
    if (!path.startsWith(ACTIONS_PREFIX)) return path
    // A stream of an action is opened by a call of the action.
    return kind === 'subscription' ? [] : path.slice(ACTIONS_PREFIX.length)
  })
}

function answer({ ctx }: { readonly ctx: { readonly result: ActionResult<unknown> } }) {
  return ctx.result
}

/** What came of a call: the result of the procedure, or the failure that stands for what it threw. */
export type CallAnswer = { readonly data: ActionResult<unknown> } | { readonly failure: Failure }

/** Calls a procedure, for every transport, and never throws. What no one expected is in the log. */
export async function callProcedure(procedure: Pick<Callable, 'call'>, call: Call): Promise<CallAnswer> {
  try {
    return { data: await procedure.call(call) }
  } catch (error) {
    const refused = getTRPCErrorFromUnknown(error)
    logUnexpected(call.ctx, refused)
    const failure = toFailure(refused)
    // Whoever gives the work up that it was a part of is told why.
    if (failure.code === 'INTERNAL_SERVER_ERROR') keepCause(failure, refused.cause)
    return { failure }
  }
}

/** Counts a call of what is not there. */
export function countMissing({ engine, transport, source }: RequestContext): void {
  engine.observer?.callEnded({
    action: '',
    code: 'NOT_FOUND',
    transport,
    source,
    durationMs: 0,
    attempts: 0,
    conflicts: 0,
    suspensions: 0,
    isReplay: false,
  })
}

/** What came of a call, where a failure is a result. */
export function resultOf(answer: CallAnswer): ActionResult<unknown> {
  return 'data' in answer ? answer.data : answer.failure
}

/** Logs an error that no one expected, unless it is there already. */
export function logUnexpected({ engine, requestId }: RequestContext, error: TRPCError): void {
  if (error.code !== 'INTERNAL_SERVER_ERROR' || error instanceof UnexpectedError) return
  engine.log.error({ err: error, requestId }, 'A call failed with an unexpected error')
}
