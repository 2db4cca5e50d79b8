import type { TRPCMutationProcedure, TRPCQueryProcedure, TRPCSubscriptionProcedure } from '@trpc/server'
import type { ActionResult } from '../core/result.ts'
import type { TypedMutation, TypedQuery, TypedSubscription } from '../core/typed-procedures.ts'

export type QueryProcedure<TInput, TData> = TRPCQueryProcedure<{
  input: TInput
  output: ActionResult<TData>
  meta: unknown
}>

export type MutationProcedure<TInput, TData> = TRPCMutationProcedure<{
  input: TInput
  output: ActionResult<TData>
  meta: unknown
}>

export type SubscriptionProcedure<TInput, TData> = TRPCSubscriptionProcedure<{
  input: TInput
  output: AsyncIterable<TData, void, undefined>
  meta: unknown
}>

/** Procedures as tRPC has them, by what clients know of them. */
export type TRPCProcedures<TTyped> = {
  [K in keyof TTyped]: TTyped[K] extends TypedQuery<infer TInput, infer TOutput>
    ? TRPCQueryProcedure<{ input: TInput; output: TOutput; meta: unknown }>
    : TTyped[K] extends TypedMutation<infer TInput, infer TOutput>
      ? TRPCMutationProcedure<{ input: TInput; output: TOutput; meta: unknown }>
      : TTyped[K] extends TypedSubscription<infer TInput, infer TOutput>
        ? SubscriptionProcedure<TInput, TOutput>
        : TRPCProcedures<TTyped[K]>
}
