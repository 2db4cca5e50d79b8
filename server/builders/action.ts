import type { TRPCMutationProcedure, TRPCQueryProcedure } from '@trpc/server'
import type { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import { BUILT_IN_ROLES } from '../auth/role.ts'
import { DefinitionError } from '../core/errors.ts'
import type { ActionResult } from '../core/result.ts'
import type { Attempt } from '../invocation/attempt.ts'
import { runCall } from '../invocation/call.ts'
import { runDry } from '../invocation/dry-run/answer.ts'
import type { Policies } from '../records/policy.ts'
import type { ActionReference } from '../tools/action-reference.ts'
import { type AcceptedCall, createCall } from '../trpc/call.ts'
import { type Callable, toProcedure } from '../trpc/callable.ts'
import { toFailure } from '../trpc/error-shape.ts'
import { appAlone, type Gate, ownerOnly, roleOnly, users } from '../trpc/gate.ts'
import type { ActionMeta } from '../trpc/init.ts'
import {
  type ActionContext,
  createActionContext,
  type InternalContext,
  type InternalQueryContext,
  type OwnerContext,
  type QueryContext,
} from './action-context.ts'
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
  /** Whether no client can call it: the app alone does. */
  readonly isInternal: boolean
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

/** What remains to be said of an action once its input is known. */
export interface ActionBuilder<TContext, TQueryContext, TSchema extends InputSchema> {
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

/** What remains to be said of an internal action once its input is known. */
export interface InternalBuilder<TContext, TQueryContext, TSchema extends InputSchema> {
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

/** What an app's authors write actions with. */
export interface Builders<A extends AppTypes> {
  /** An action for every verified caller. */
  readonly action: ActionStart<ActionContext<A>, QueryContext<A>>
  /** An action for the app's owner alone; for no one when `OWNER_USER_ID` is not set. */
  readonly ownerAction: ActionStart<OwnerContext<A>, QueryContext<A>>
  /** An action for callers of one role; the owner counts as admin. */
  readonly roleAction: (role: string) => ActionStart<ActionContext<A>, QueryContext<A>>
  /** An action that no client can call: for schedules, jobs, routes, commands and tests. */
  readonly internalAction: InternalStart<InternalContext<A>, InternalQueryContext<A>>
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
 * export const { action, ownerAction, roleAction, internalAction } = createBuilders<App>()
 * ```
 */
export function createBuilders<A extends AppTypes>(): Builders<A> {
  return {
    action: start(USERS),
    ownerAction: start({ ...USERS, gate: ownerOnly, isPrivileged: true, mayGrant: true }),
    roleAction: (role) => start({ ...USERS, gate: roleOnly(role), role, isPrivileged: true }),
    internalAction: start({ ...USERS, isInternal: true, isPrivileged: true, mayGrant: true }),
  }
}

/** The definition of a procedure that one of the builders made; undefined for anything else. */
export function actionDefinition(procedure: unknown): ActionDefinition | undefined {
  const isObject = typeof procedure === 'function' || (typeof procedure === 'object' && procedure !== null)
  return isObject && ACTION in procedure ? (procedure as unknown as Declared)[ACTION] : undefined
}

interface Admission {
  readonly gate: Gate | undefined
  readonly role: string | undefined
  /** Whether it is not for everyone, so that every call of it leaves an audit row. */
  readonly isPrivileged: boolean
  readonly isInternal: boolean
  /** Whether it may grant credits. */
  readonly mayGrant: boolean
}

const USERS: Admission = {
  gate: undefined,
  role: undefined,
  isPrivileged: false,
  isInternal: false,
  mayGrant: false,
}

/** The types that an author's handler is checked by are those of the builder; what is made is one for all of them. */
type AnyStart = { input(schema: InputSchema): AnyBuilder }
type AnyBuilder = {
  meta(meta: ActionMeta): AnyBuilder
  mutation(handler: AnyHandler): unknown
  query(handler: AnyHandler): unknown
}
// biome-ignore lint/suspicious/noExplicitAny: a handler of any context and input.
type AnyHandler = ActionHandler<any, any, ActionResult<unknown>>

function start<TStart>(admission: Admission): TStart {
  const made: AnyStart = { input: (schema) => builder(admission, schema, {}) }
  return made as TStart
}

function builder(admission: Admission, schema: InputSchema, meta: ActionMeta): AnyBuilder {
  const define = (kind: ActionDefinition['kind'], handler: AnyHandler) =>
    declare(definitionOf(admission, schema, meta, kind, handler), meta)
  return {
    meta: (more) => builder(admission, schema, checkedMeta(admission, { ...meta, ...more })),
    mutation: (handler) => define('mutation', handler),
    query: (handler) => define('query', handler),
  }
}

function definitionOf(
  { gate, role, isPrivileged, isInternal, mayGrant }: Admission,
  schema: InputSchema,
  meta: ActionMeta,
  kind: ActionDefinition['kind'],
  handler: AnyHandler,
): ActionDefinition {
  const { deadlineMs = meta.lifetimeMs, lifetimeMs, budget } = meta
  const common = {
    kind,
    schema,
    trail: isPrivileged || meta.audit === 'always' ? 'always' : 'when it matters',
    deadlineMs,
    lifetimeMs,
    budget,
    dryRun: meta.dryRun ?? 'owner',
    run: (call: AcceptedCall<Actor, unknown>): Promise<ActionResult<unknown>> => {
      const handle = (attempt: Attempt) =>
        // The collections and the environment given at start are those that the app's types describe.
        handler({ ctx: createActionContext(call, attempt, mayGrant), input: call.input })
      return call.invocation.dryRun
        ? runDry(call.engine, call, handle, toFailure)
        : runCall(call.engine, call, handle)
    },
  } as const
  const call = isInternal
    ? createCall({ ...common, callers: appAlone })
    : createCall({ ...common, callers: users, gate })
  return { input: schema, kind, role, isPrivileged, isInternal, meta, call }
}

const MAX_LIFETIME_MS = 900_000

/** @throws {DefinitionError} that says what the action may not be given. */
function checkedMeta({ isInternal }: Admission, meta: ActionMeta): ActionMeta {
  const { lifetimeMs } = meta
  if (lifetimeMs === undefined) return meta
  if (!isInternal)
    throw new DefinitionError('lifetimeMs is for an internalAction: a client does not wait for minutes')
  if (!Number.isInteger(lifetimeMs) || lifetimeMs < 1 || lifetimeMs > MAX_LIFETIME_MS)
    throw new DefinitionError(`lifetimeMs must be whole milliseconds, at most ${MAX_LIFETIME_MS} (15 min)`)
  return meta
}

/** Makes what a module exports of an action: a procedure, unless no client can call it. */
function declare(definition: ActionDefinition, meta: ActionMeta): unknown {
  const made = definition.isInternal ? {} : toProcedure<object>(definition, meta)
  return Object.assign(made, { [ACTION]: definition })
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
