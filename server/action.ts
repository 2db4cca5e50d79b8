import type { TRPCMutationProcedure, TRPCQueryProcedure } from '@trpc/server'
import type { z } from 'zod'
import { type ActionContext, createActionContext } from './action-context.ts'
import type { ActionReadTools, ActionTools, CallerReadTools, CallerTools } from './app-types.ts'
import type { UserActor } from './auth/actor.ts'
import type { RequestContext } from './context.ts'
import { anyCaller, type Gate, ownerOnly, roleOnly } from './gate.ts'
import { runCall } from './invocation/call.ts'
import { thrown } from './invocation/thrown.ts'
import { type InvokedContext, invoked, withInput } from './invoked.ts'
import { parserOf, refuseUnacceptable, userProcedure } from './procedure.ts'
import type { ActionResult } from './result.ts'
import type { ActionMeta } from './trpc.ts'

/** Inputs are strict objects: a key that is not expected is refused, never dropped. */
export type InputSchema = z.ZodObject<z.ZodRawShape, z.core.$strict>

/** An action's function. It may run more than once before it commits; what it does through `ctx.tools` happens once. */
export type ActionHandler<
  TInput,
  TResult extends ActionResult<unknown>,
  TTools = ActionTools,
  TRecords = CallerTools,
> = (options: { readonly ctx: ActionContext<TTools, TRecords>; readonly input: TInput }) => Promise<TResult>

const ACTION: unique symbol = Symbol('deputy.action')

export interface ActionDefinition {
  readonly input: z.ZodType
  readonly kind: 'mutation' | 'query'
  /** The role that its callers must have, where it is for one role only. */
  readonly role: string | undefined
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
    handler: ActionHandler<z.output<TSchema>, TResult, ActionReadTools, CallerReadTools>,
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
  return start(roleOnly(role), role)
}

/** The definition of a procedure that one of the builders made; undefined for anything else. */
export function actionDefinition(procedure: unknown): ActionDefinition | undefined {
  return typeof procedure === 'function' && ACTION in procedure
    ? (procedure as unknown as Declared)[ACTION]
    : undefined
}

function start(gate: Gate, role?: string): ActionStart {
  return { input: (schema) => builder({ gate, role, isPrivileged: gate !== anyCaller }, schema, {}) }
}

interface Admission {
  readonly gate: Gate
  readonly role: string | undefined
  /** Whether it is not for everybody, so that every call of it leaves an audit row. */
  readonly isPrivileged: boolean
}

function builder<TSchema extends InputSchema>(
  admission: Admission,
  schema: TSchema,
  meta: ActionMeta,
): ActionBuilder<TSchema> {
  const procedure = (readOnly: boolean) =>
    userProcedure
      .meta(meta)
      .use(
        invoked({
          readOnly,
          deadlineMs: meta.deadlineMs,
          isAudited: admission.isPrivileged || meta.audit === 'always',
          actionBudget: meta.budget,
        }),
      )
      .use(async ({ ctx, next }) => {
        await pass(admission.gate, ctx, ctx.actor)
        return next()
      })
      .use(async ({ getRawInput, next }) => {
        refuseUnacceptable(await getRawInput())
        return next()
      })
      .input(parserOf(schema))

  const run =
    <TTools, TRecords, TResult extends ActionResult<unknown>>(
      handler: ActionHandler<z.output<TSchema>, TResult, TTools, TRecords>,
    ) =>
    async (options: {
      ctx: RequestContext & InvokedContext & { actor: UserActor }
      input: unknown
    }): Promise<TResult> => {
      const { ctx } = options
      const input = options.input as z.output<TSchema> // What `parse` returned; tRPC's types lose sight of it.
      const invocation = withInput(ctx.invocation, input, schema)
      const result = await runCall(invocation, (attempt) =>
        // A reading action has a part of the tools; its type says which.
        handler({
          ctx: createActionContext(invocation, attempt, ctx.actor) as ActionContext<TTools, TRecords>,
          input,
        }),
      )
      return result as TResult // The runner returns the handler's own result, or a failure, which every result type has.
    }

  return {
    meta: (more) => builder(admission, schema, { ...meta, ...more }),
    mutation: (handler) =>
      declare(procedure(false).mutation(run(handler)), {
        input: schema,
        kind: 'mutation',
        role: admission.role,
      }),
    query: (handler) =>
      declare(procedure(true).query(run(handler)), { input: schema, kind: 'query', role: admission.role }),
  }
}

/** Adds the definition to a procedure, and the input type that the schema has. */
function declare<TProcedure extends object, TDeclared>(
  procedure: TProcedure,
  definition: ActionDefinition,
): TDeclared {
  return Object.assign(procedure, { [ACTION]: definition }) as unknown as TDeclared
}

async function pass(gate: Gate, ctx: RequestContext, actor: UserActor): Promise<void> {
  const failure = await gate(ctx, actor)
  if (failure) throw thrown(failure)
}
