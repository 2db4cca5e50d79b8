import { getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server'
import type { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import { DefinitionError } from '../core/errors.ts'
import type { ActionResult, Failure } from '../core/result.ts'
import type { Omissible } from '../core/typed-procedures.ts'
import { UnexpectedError } from '../invocation/failures.ts'
import { type Call, type CallOptions, createCall } from './call.ts'
import type { RequestContext } from './context.ts'
import { toFailure } from './error-shape.ts'
import { type ActionMeta, t } from './init.ts'
import type { MutationProcedure, QueryProcedure } from './procedures.ts'

const CALLABLE: unique symbol = Symbol('deputy.callable')

/** What every procedure of an app's router holds: how it is called, without tRPC's chain of middleware. */
export interface Callable {
  readonly kind: 'query' | 'mutation'
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
  return toProcedure({ kind: 'query', call: createCall({ ...options, kind: 'query' }) })
}

/** Defines a procedure of the engine's own that writes. */
export function defineMutation<TActor extends Actor, TSchema extends z.ZodType, TData>(
  options: Options<TActor, TSchema, TData>,
): MutationProcedure<InputOf<TSchema>, TData> {
  return toProcedure({ kind: 'mutation', call: createCall({ ...options, kind: 'mutation' }) })
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
  const made = callable.kind === 'query' ? procedure.query(answer) : procedure.mutation(answer)
  return Object.assign(made, { [CALLABLE]: callable }) as unknown as TProcedure
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
    return { failure: toFailure(refused) }
  }
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
