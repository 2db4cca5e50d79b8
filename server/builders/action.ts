import type { Actor } from '../auth/actor.ts'
import { BUILT_IN_ROLES } from '../auth/role.ts'
import { DefinitionError } from '../core/errors.ts'
import type { ActionResult } from '../core/result.ts'
import type { Attempt } from '../invocation/attempt.ts'
import { runCall } from '../invocation/call.ts'
import { createShapeResult } from '../invocation/check-result.ts'
import { runDry } from '../invocation/dry-run/answer.ts'
import { declaredLimit } from '../limits/action-limit.ts'
import type { OpenStreams } from '../live/live-hub.ts'
import type { Policies } from '../records/policy.ts'
import { type AcceptedCall, createCall } from '../trpc/call.ts'
import { toProcedure } from '../trpc/callable.ts'
import { toFailure } from '../trpc/error-shape.ts'
import { appAlone, type Gate, ownerOnly, roleOnly, users } from '../trpc/gate.ts'
import type { ActionMeta } from '../trpc/init.ts'
import type { ActionStart, InternalStart } from './action-builder.ts'
import {
  type ActionContext,
  createActionContext,
  type InternalContext,
  type InternalQueryContext,
  type OwnerContext,
  type QueryContext,
} from './action-context.ts'
import {
  ACTION,
  type ActionDefinition,
  type ActionHandler,
  actionDefinition,
  checkedOutput,
  type InputSchema,
  type OutputSchema,
} from './action-definition.ts'
import { checkAgentMeta } from './agent-meta.ts'
import type { AppTypes } from './app-types.ts'
import { checkedMeta } from './checked-meta.ts'
import { createLiveAction } from './live-action.ts'

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
  output(schema: OutputSchema): AnyBuilder
  meta(meta: ActionMeta): AnyBuilder
  mutation(handler: AnyHandler): unknown
  query(handler: AnyHandler): unknown
}
// biome-ignore lint/suspicious/noExplicitAny: a handler of any context and input.
type AnyHandler = ActionHandler<any, any, ActionResult<unknown>>

/** What is said of an action before its handler. */
interface Said {
  readonly input: InputSchema
  readonly output: OutputSchema | undefined
  readonly meta: ActionMeta
}

function start<TStart>(admission: Admission): TStart {
  const made: AnyStart = { input: (input) => builder(admission, { input, output: undefined, meta: {} }) }
  return made as TStart
}

function builder(admission: Admission, said: Said): AnyBuilder {
  const define = (kind: ActionDefinition['kind'], handler: AnyHandler) =>
    declare(definitionOf(admission, said, kind, handler))
  return {
    output: (output) => builder(admission, { ...said, output: checkedOutput(output) }),
    meta: (more) =>
      builder(admission, { ...said, meta: checkedMeta(admission.isInternal, { ...said.meta, ...more }) }),
    mutation: (handler) => define('mutation', handler),
    query: (handler) => define('query', handler),
  }
}

function definitionOf(
  { gate, role, isPrivileged, isInternal, mayGrant }: Admission,
  { input, output, meta }: Said,
  kind: ActionDefinition['kind'],
  handler: AnyHandler,
): ActionDefinition {
  if (meta.live !== undefined && (isInternal || kind !== 'query'))
    throw new DefinitionError('meta.live is for a .query that clients call: nothing else is shown live')
  const { deadlineMs = meta.lifetimeMs, lifetimeMs, budget, limit, agent, dryRun = 'owner' } = meta
  if (agent)
    checkAgentMeta(agent, {
      kind,
      isInternal,
      schema: input,
      isShown: dryRun === 'caller' || gate === ownerOnly,
    })
  const shapeResult = output && createShapeResult(output)
  const common = {
    kind,
    schema: input,
    trail: isPrivileged || meta.audit === 'always' ? 'always' : 'when it matters',
    deadlineMs,
    lifetimeMs,
    budget,
    limit: limit && declaredLimit(limit),
    dryRun,
    run: (call: AcceptedCall<Actor, unknown>): Promise<ActionResult<unknown>> => {
      const handle = (attempt: Attempt) =>
        // The collections and the environment given at start are those that the app's types describe.
        handler({ ctx: createActionContext(call, attempt, mayGrant), input: call.input })
      const shaped = shapeResult
        ? async (attempt: Attempt) => shapeResult(call.invocation.action, await handle(attempt))
        : handle
      return call.invocation.dryRun
        ? runDry(call.engine, call, shaped, toFailure)
        : runCall(call.engine, call, shaped)
    },
  } as const
  const call = isInternal
    ? createCall({ ...common, callers: appAlone })
    : createCall({ ...common, callers: users, gate })
  const live =
    isInternal || kind !== 'query' || meta.live === false
      ? undefined
      : (streams: OpenStreams) => createLiveAction({ ...common, callers: users, gate }, streams)
  return { schema: input, input, output, kind, role, isPrivileged, isInternal, gate, meta, call, live }
}

/** Makes what a module exports of an action: a procedure, unless no client can call it. */
function declare(definition: ActionDefinition): unknown {
  const made = definition.isInternal ? {} : toProcedure<object>(definition, definition.meta)
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
