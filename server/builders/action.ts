import type { TRPCMutationProcedure, TRPCQueryProcedure } from '@trpc/server'
import type { z } from 'zod'
import { BUILT_IN_ROLES } from '../auth/role.ts'
import type { ActionResult } from '../core/result.ts'
import type { Attempt } from '../invocation/attempt.ts'
import { runCall } from '../invocation/call.ts'
import { runDry } from '../invocation/dry-run/answer.ts'
import type { Policies } from '../records/policy.ts'
import { createCall } from '../trpc/call.ts'
import { type Callable, toProcedure } from '../trpc/callable.ts'
import { toFailure } from '../trpc/error-shape.ts'
import { type Gate, ownerOnly, roleOnly, users } from '../trpc/gate.ts'
import type { ActionMeta } from '../trpc/init.ts'
import { type ActionContext, createActionContext, type QueryContext } from './action-context.ts'
import type { AppTypes } from './app-types.ts'

/** Inputs are strict objects: a key that is not expected is refused, never dropped. */
export type InputSchema = z.ZodObject<z.ZodRawShape, z.core.$strict>

/** An action's function. It may run more than once before it commits; what it does through `ctx.tools` happens once. */
export type ActionHandler<TContext, TInput, TResult extends ActionResult<unknown>> = (options: {
  readonly ctx: TContext
  readonly input: TInput
}) => Promise<TResult>

const ACTION: unique symbol = Symbol('deputy.action')

export interface ActionDefinition extends Callable {
  readonly input: z.ZodType
  /** The role that its callers must have, where it is for one role only. */
  readonly role: string | undefined
  /** Whether it is for some callers only, the owner or a role. */
  readonly isPrivileged: boolean
  /** What differs from the defaults. */
  readonly meta: ActionMeta
}

interface Declared {
  readonly [ACTION]: ActionDefinition
}

export type ActionMutation<TInput, TResult> = TRPCMutationProcedure<{
  input: TInput
  output: TResult
  meta: unknown
}> &
  Declared
export type ActionQuery<TInput, TResult> = TRPCQueryProcedure<{
  input: TInput
  output: TResult
  meta: unknown
}> &
  Declared

/** What remains to be said of an action once its input is known. */
export interface ActionBuilder<A extends AppTypes, TSchema extends InputSchema> {
  /** Says what differs from the defaults. */
  meta(meta: ActionMeta): ActionBuilder<A, TSchema>
  /** An action that may write: one SERIALIZABLE transaction, committed if it returns a success. */
  mutation<TResult extends ActionResult<unknown>>(
    handler: ActionHandler<ActionContext<A>, z.output<TSchema>, TResult>,
  ): ActionMutation<z.input<TSchema>, TResult>
  /** An action that only reads: GET over tRPC, in a READ ONLY transaction. */
  query<TResult extends ActionResult<unknown>>(
    handler: ActionHandler<QueryContext<A>, z.output<TSchema>, TResult>,
  ): ActionQuery<z.input<TSchema>, TResult>
}

/** Starts an action. Its input comes first, so that there is none without. */
export interface ActionStart<A extends AppTypes> {
  input<TSchema extends InputSchema>(schema: TSchema): ActionBuilder<A, TSchema>
}

/** What an app's authors write actions with. */
export interface Builders<A extends AppTypes> {
  /** An action for every verified caller. */
  readonly action: ActionStart<A>
  /** An action for the app's owner alone; for no one when `OWNER_USER_ID` is not set. */
  readonly ownerAction: ActionStart<A>
  /** An action for callers of one role; the owner counts as admin. */
  readonly roleAction: (role: string) => ActionStart<A>
}

/**
 * Makes an app's builders, typed by its own declarations:
 *
 * ```ts
 * interface App {
 *   collections: typeof collections
 *   integrations: typeof integrations
 *   env: typeof env
 * }
 * export const { action, ownerAction, roleAction } = createBuilders<App>()
 * ```
 */
export function createBuilders<A extends AppTypes>(): Builders<A> {
  return {
    action: start(),
    ownerAction: start(ownerOnly),
    roleAction: (role) => start(roleOnly(role), role),
  }
}

/** The definition of a procedure that one of the builders made; undefined for anything else. */
export function actionDefinition(procedure: unknown): ActionDefinition | undefined {
  return typeof procedure === 'function' && ACTION in procedure
    ? (procedure as unknown as Declared)[ACTION]
    : undefined
}

function start<A extends AppTypes>(gate?: Gate, role?: string): ActionStart<A> {
  return { input: (schema) => builder({ gate, role, isPrivileged: gate !== undefined }, schema, {}) }
}

interface Admission {
  readonly gate: Gate | undefined
  readonly role: string | undefined
  /** Whether it is not for everyone, so that every call of it leaves an audit row. */
  readonly isPrivileged: boolean
}

function builder<A extends AppTypes, TSchema extends InputSchema>(
  admission: Admission,
  schema: TSchema,
  meta: ActionMeta,
): ActionBuilder<A, TSchema> {
  const define = <TContext, TResult extends ActionResult<unknown>>(
    kind: ActionDefinition['kind'],
    handler: ActionHandler<TContext, z.output<TSchema>, TResult>,
  ): ActionDefinition => ({
    input: schema,
    kind,
    role: admission.role,
    isPrivileged: admission.isPrivileged,
    meta,
    call: createCall({
      kind,
      schema,
      callers: users,
      gate: admission.gate,
      trail: admission.isPrivileged || meta.audit === 'always' ? 'always' : 'when it matters',
      deadlineMs: meta.deadlineMs,
      budget: meta.budget,
      dryRun: meta.dryRun ?? 'owner',
      run: (call): Promise<ActionResult<unknown>> => {
        const handle = (attempt: Attempt) =>
          handler({
            // The collections and the environment given at start are those that the app's types describe.
            ctx: createActionContext(call, attempt) as TContext,
            input: call.input,
          })
        return call.invocation.dryRun
          ? runDry(call.engine, call, handle, toFailure)
          : runCall(call.engine, call, handle)
      },
    }),
  })

  return {
    meta: (more) => builder(admission, schema, { ...meta, ...more }),
    mutation(handler) {
      const definition = define('mutation', handler)
      return declare(definition, meta)
    },
    query(handler) {
      const definition = define('query', handler)
      return declare(definition, meta)
    },
  }
}

/** Makes the procedure of an action, with the input type that the schema has. */
function declare<TDeclared>(definition: ActionDefinition, meta: ActionMeta): TDeclared {
  return Object.assign(toProcedure<object>(definition, meta), {
    [ACTION]: definition,
  }) as unknown as TDeclared
}

/** Every role that means something: the engine's own, those of the access rules, and those that actions ask for. */
export function rolesOf(policies: Policies, actions: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const ofActions = Object.values(actions).flatMap((action) => actionDefinition(action)?.role ?? [])
  return new Set([
    ...BUILT_IN_ROLES,
    ...[...policies.values()].flatMap((policy) => policy.roles),
    ...ofActions,
  ])
}
