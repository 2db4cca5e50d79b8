import type { TRPCMutationProcedure, TRPCQueryProcedure } from '@trpc/server'
import { z } from 'zod'
import { DefinitionError } from '../core/errors.ts'
import type { ActionResult } from '../core/result.ts'
import type { OpenStreams } from '../live/live-hub.ts'
import type { ActionReference } from '../tools/action-reference.ts'
import type { Callable } from '../trpc/callable.ts'
import type { Gate } from '../trpc/gate.ts'
import type { ActionMeta } from '../trpc/init.ts'

/** Inputs are strict objects: a key that is not expected is refused, never dropped. */
export type InputSchema = z.ZodObject<z.ZodRawShape, z.core.$strict>

/** What an action answers with on success: any schema. */
export type OutputSchema = z.ZodType

/** What a handler may return for a schema: what tools give cannot be changed, and need not be. */
export type Returned<T> = T extends Date
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Returned<T[K]> }
    : T

/** @throws {DefinitionError} for what is no schema of zod's. */
export function checkedOutput(schema: OutputSchema): OutputSchema {
  if (schema instanceof z.ZodType) return schema
  throw new DefinitionError('.output takes a schema of zod, such as z.object({ recordId: z.string() })')
}

/** An action's function. It may run more than once before it commits; what it does through `ctx.tools` happens once. */
export type ActionHandler<TContext, TInput, TResult extends ActionResult<unknown>> = (options: {
  readonly ctx: TContext
  readonly input: TInput
}) => Promise<TResult>

export const ACTION: unique symbol = Symbol('deputy.action')

export interface ActionDefinition extends Callable {
  readonly kind: 'query' | 'mutation'
  readonly input: z.ZodType
  /** What it answers with on success, where it says so. */
  readonly output: z.ZodType | undefined
  /** The role that its callers must have, where it is for one role only. */
  readonly role: string | undefined
  /** Whether it is for some callers only, the owner or a role. */
  readonly isPrivileged: boolean
  /** Whether no client can call it: the app alone does. */
  readonly isInternal: boolean
  /** Decides who may call it; undefined where every verified caller may. */
  readonly gate: Gate | undefined
  /** What differs from the defaults. */
  readonly meta: ActionMeta
  /** Makes what opens streams of it; undefined where clients cannot call it, and where it may write. */
  readonly live: ((streams: OpenStreams) => Callable) | undefined
}

export interface Declared {
  readonly [ACTION]: ActionDefinition
}

export type ActionMutation<TInput, TResult> = TRPCMutationProcedure<{
  input: TInput
  output: TResult
  meta: unknown
}> &
  Declared &
  ActionReference<TInput, TResult>
export type ActionQuery<TInput, TResult> = TRPCQueryProcedure<{
  input: TInput
  output: TResult
  meta: unknown
}> &
  Declared

/** An internal action that writes: no procedure, since no client can call it. */
export interface InternalMutation<TInput, TResult> extends Declared, ActionReference<TInput, TResult> {
  /** Its types; no value. */
  readonly $internal: { readonly kind: 'mutation'; readonly input: TInput; readonly result: TResult }
}

/** An internal action that only reads. */
export interface InternalQuery<TInput, TResult> extends Declared {
  /** Its types; no value. */
  readonly $internal: { readonly kind: 'query'; readonly input: TInput; readonly result: TResult }
}

/** The definition of a procedure that one of the builders made; undefined for anything else. */
export function actionDefinition(procedure: unknown): ActionDefinition | undefined {
  const isObject = typeof procedure === 'function' || (typeof procedure === 'object' && procedure !== null)
  return isObject && ACTION in procedure ? (procedure as unknown as Declared)[ACTION] : undefined
}
