import type { z } from 'zod'
import type { ActionResult } from '../core/result.ts'
import type { ActionMeta } from '../trpc/init.ts'
import type {
  ActionHandler,
  ActionMutation,
  ActionQuery,
  InputSchema,
  InternalMutation,
  InternalQuery,
  OutputSchema,
  Returned,
} from './action-definition.ts'

/** The last things to be said of an action: what differs from the defaults, and its handler. */
export interface ActionEnd<
  TContext,
  TQueryContext,
  TSchema extends InputSchema,
  TOutput extends OutputSchema,
> {
  /** Says what differs from the defaults. @throws {DefinitionError} for what an action may not be given. */
  meta(meta: ActionMeta): ActionEnd<TContext, TQueryContext, TSchema, TOutput>
  /** An action that may write: one SERIALIZABLE transaction, committed if it returns a success. */
  mutation(
    handler: ActionHandler<TContext, z.output<TSchema>, ActionResult<Returned<z.input<TOutput>>>>,
  ): ActionMutation<z.input<TSchema>, ActionResult<z.output<TOutput>>>
  /** An action that only reads: GET over tRPC, in a READ ONLY transaction. */
  query(
    handler: ActionHandler<TQueryContext, z.output<TSchema>, ActionResult<Returned<z.input<TOutput>>>>,
  ): ActionQuery<z.input<TSchema>, ActionResult<z.output<TOutput>>>
}

/** What remains to be said of an action once its input is known. */
export interface ActionBuilder<TContext, TQueryContext, TSchema extends InputSchema> {
  /**
   * Says what `data` is on success. It is checked before COMMIT; keys that a `z.object` does not know are not sent.
   *
   * @throws {DefinitionError} for what is no schema.
   */
  output<TOutput extends OutputSchema>(schema: TOutput): ActionEnd<TContext, TQueryContext, TSchema, TOutput>
  /** Says what differs from the defaults. @throws {DefinitionError} for what an action may not be given. */
  meta(meta: ActionMeta): ActionBuilder<TContext, TQueryContext, TSchema>
  /** An action that may write: one SERIALIZABLE transaction, committed if it returns a success. */
  mutation<TResult extends ActionResult<unknown>>(
    handler: ActionHandler<TContext, z.output<TSchema>, TResult>,
  ): ActionMutation<z.input<TSchema>, TResult>
  /** An action that only reads: GET over tRPC, in a READ ONLY transaction. */
  query<TResult extends ActionResult<unknown>>(
    handler: ActionHandler<TQueryContext, z.output<TSchema>, TResult>,
  ): ActionQuery<z.input<TSchema>, TResult>
}

/** The last things to be said of an internal action. */
export interface InternalEnd<
  TContext,
  TQueryContext,
  TSchema extends InputSchema,
  TOutput extends OutputSchema,
> {
  /** Says what differs from the defaults. @throws {DefinitionError} for what an action may not be given. */
  meta(meta: ActionMeta): InternalEnd<TContext, TQueryContext, TSchema, TOutput>
  /** An action that may write: one SERIALIZABLE transaction, committed if it returns a success. */
  mutation(
    handler: ActionHandler<TContext, z.output<TSchema>, ActionResult<Returned<z.input<TOutput>>>>,
  ): InternalMutation<z.input<TSchema>, ActionResult<z.output<TOutput>>>
  /** An action that only reads, in a READ ONLY transaction. */
  query(
    handler: ActionHandler<TQueryContext, z.output<TSchema>, ActionResult<Returned<z.input<TOutput>>>>,
  ): InternalQuery<z.input<TSchema>, ActionResult<z.output<TOutput>>>
}

/** What remains to be said of an internal action once its input is known. */
export interface InternalBuilder<TContext, TQueryContext, TSchema extends InputSchema> {
  /**
   * Says what `data` is on success. It is checked before COMMIT; keys that a `z.object` does not know are not sent.
   *
   * @throws {DefinitionError} for what is no schema.
   */
  output<TOutput extends OutputSchema>(
    schema: TOutput,
  ): InternalEnd<TContext, TQueryContext, TSchema, TOutput>
  /** Says what differs from the defaults. @throws {DefinitionError} for what an action may not be given. */
  meta(meta: ActionMeta): InternalBuilder<TContext, TQueryContext, TSchema>
  /** An action that may write: one SERIALIZABLE transaction, committed if it returns a success. */
  mutation<TResult extends ActionResult<unknown>>(
    handler: ActionHandler<TContext, z.output<TSchema>, TResult>,
  ): InternalMutation<z.input<TSchema>, TResult>
  /** An action that only reads, in a READ ONLY transaction. */
  query<TResult extends ActionResult<unknown>>(
    handler: ActionHandler<TQueryContext, z.output<TSchema>, TResult>,
  ): InternalQuery<z.input<TSchema>, TResult>
}

/** Starts an action. Its input comes first, so that there is none without. */
export interface ActionStart<TContext, TQueryContext> {
  input<TSchema extends InputSchema>(schema: TSchema): ActionBuilder<TContext, TQueryContext, TSchema>
}

/** Starts an internal action. */
export interface InternalStart<TContext, TQueryContext> {
  input<TSchema extends InputSchema>(schema: TSchema): InternalBuilder<TContext, TQueryContext, TSchema>
}
