import { TRPCError, type TRPCMutationProcedure, type TRPCQueryProcedure } from '@trpc/server'
import type { z } from 'zod'
import { type ActionContext, createActionContext } from './action-context.ts'
import type { ActionReadTools, ActionTools } from './app-types.ts'
import type { UserActor } from './auth/actor.ts'
import { verifiedUser } from './auth/authentication.ts'
import type { RequestContext } from './context.ts'
import { InvalidInput } from './error-shape.ts'
import { anyCaller, type Gate, ownerOnly, roleOnly } from './gate.ts'
import { Invocation } from './invocation/invocation.ts'
import { runInvocation } from './invocation/run.ts'
import { type ActionResult, type Failure, FailureError } from './result.ts'
import { ACTIONS_PREFIX, type ActionMeta, t } from './trpc.ts'
import { findUnacceptable } from './wire/guard.ts'
import { UnacceptableInput } from './wire/transformer.ts'

const DEFAULT_DEADLINE_MS = 10_000

/** Inputs are strict objects: a key that is not expected is refused, never dropped. */
export type InputSchema = z.ZodObject<z.ZodRawShape, z.core.$strict>

/** An action's function. It may run more than once before it commits; what it does through `ctx.tools` happens once. */
export type ActionHandler<TInput, TResult extends ActionResult<unknown>, TTools = ActionTools> = (options: {
  readonly ctx: ActionContext<TTools>
  readonly input: TInput
}) => Promise<TResult>

const ACTION: unique symbol = Symbol('deputy.action')

export interface ActionDefinition {
  readonly input: z.ZodType
  readonly kind: 'mutation' | 'query'
}

interface Declared {
  readonly [ACTION]: ActionDefinition
}

export type ActionMutation<TInput, TResult> = TRPCMutationProcedure<{
  input: TInput
  output: TResult
  meta: ActionMeta
}> &
  Declared
export type ActionQuery<TInput, TResult> = TRPCQueryProcedure<{
  input: TInput
  output: TResult
  meta: ActionMeta
}> &
  Declared

/** What remains to be said of an action once its input is known. */
export interface ActionBuilder<TSchema extends InputSchema> {
  /** Says what differs from the defaults. */
  meta(meta: ActionMeta): ActionBuilder<TSchema>
  /** An action that may write: one SERIALIZABLE transaction, committed if it returns a success. */
  mutation<TResult extends ActionResult<unknown>>(
    handler: ActionHandler<z.output<TSchema>, TResult>,
  ): ActionMutation<z.input<TSchema>, TResult>
  /** An action that only reads: GET over tRPC, in a READ ONLY transaction. */
  query<TResult extends ActionResult<unknown>>(
    handler: ActionHandler<z.output<TSchema>, TResult, ActionReadTools>,
  ): ActionQuery<z.input<TSchema>, TResult>
}

/** Starts an action. Its input comes first, so that there is none without. */
export interface ActionStart {
  input<TSchema extends InputSchema>(schema: TSchema): ActionBuilder<TSchema>
}

/** An action for every verified caller. */
export const action: ActionStart = start(anyCaller)

/** An action for the app's owner alone; for nobody when `OWNER_USER_ID` is not set. */
export const ownerAction: ActionStart = start(ownerOnly)

/** An action for callers of one role; the owner counts as admin. */
export function roleAction(role: string): ActionStart {
  return start(roleOnly(role))
}

/** The definition of a procedure that one of the builders made; undefined for anything else. */
export function actionDefinition(procedure: unknown): ActionDefinition | undefined {
  return typeof procedure === 'function' && ACTION in procedure
    ? (procedure as unknown as Declared)[ACTION]
    : undefined
}

function start(gate: Gate): ActionStart {
  return { input: (schema) => builder(gate, schema, {}) }
}

function builder<TSchema extends InputSchema>(
  gate: Gate,
  schema: TSchema,
  meta: ActionMeta,
): ActionBuilder<TSchema> {
  const procedure = t.procedure
    .meta(meta)
    .use(({ ctx, next }) => authenticated(ctx, (actor) => next({ ctx: { actor } })))
    .use(async ({ ctx, next }) => {
      await pass(gate, ctx.engine, ctx.actor)
      return next()
    })
    .use(async ({ getRawInput, next }) => {
      refuseUnacceptable(await getRawInput())
      return next()
    })
    .input((value: unknown) => parse(schema, value))

  const run =
    <TTools, TResult extends ActionResult<unknown>>(
      handler: ActionHandler<z.output<TSchema>, TResult, TTools>,
      readOnly: boolean,
    ) =>
    async (options: {
      ctx: RequestContext & { actor: UserActor }
      input: unknown
      path: string
    }): Promise<TResult> => {
      const { ctx, path } = options
      const input = options.input as z.output<TSchema> // What `parse` returned; tRPC's types lose sight of it.
      const invocation = new Invocation({
        engine: ctx.engine,
        actor: ctx.actor,
        action: path.startsWith(ACTIONS_PREFIX) ? path.slice(ACTIONS_PREFIX.length) : path,
        requestId: ctx.requestId,
        readOnly,
        deadlineMs: meta.deadlineMs ?? DEFAULT_DEADLINE_MS,
      })
      const result = await runInvocation(invocation, (attempt) =>
        // A reading action has a part of the tools; its type says which.
        handler({ ctx: createActionContext(invocation, attempt) as ActionContext<TTools>, input }),
      )
      return result as TResult // The runner returns the handler's own result, or a failure, which every result type has.
    }

  return {
    meta: (more) => builder(gate, schema, { ...meta, ...more }),
    mutation: (handler) =>
      declare(procedure.mutation(run(handler, false)), { input: schema, kind: 'mutation' }),
    query: (handler) => declare(procedure.query(run(handler, true)), { input: schema, kind: 'query' }),
  }
}

/** Adds the definition to a procedure, and the input type that the schema has. */
function declare<TProcedure extends object, TDeclared>(
  procedure: TProcedure,
  definition: ActionDefinition,
): TDeclared {
  return Object.assign(procedure, { [ACTION]: definition }) as unknown as TDeclared
}

async function authenticated<T>(ctx: RequestContext, next: (actor: UserActor) => Promise<T>): Promise<T> {
  const caller = verifiedUser(await ctx.authenticator.authenticate())
  if ('failure' in caller) throw thrown(caller.failure)
  return next(caller.actor)
}

async function pass(gate: Gate, engine: RequestContext['engine'], actor: UserActor): Promise<void> {
  const failure = await gate(engine, actor)
  if (failure)
    throw new TRPCError({ code: failure.code, message: failure.error, cause: new FailureError(failure) })
}

/** A failure as tRPC wants it thrown before a procedure runs. */
function thrown(failure: Failure): TRPCError {
  return new TRPCError({ code: failure.code, message: failure.error, cause: new FailureError(failure) })
}

function refuseUnacceptable(raw: unknown): void {
  const issue = raw instanceof UnacceptableInput ? raw.issue : findUnacceptable(raw)
  if (!issue) return
  const cause = new InvalidInput([issue])
  throw new TRPCError({ code: 'BAD_REQUEST', message: cause.message, cause })
}

async function parse<TSchema extends InputSchema>(
  schema: TSchema,
  value: unknown,
): Promise<z.output<TSchema>> {
  const parsed = await schema.safeParseAsync(value)
  if (parsed.success) return parsed.data
  throw InvalidInput.fromZod(parsed.error)
}
