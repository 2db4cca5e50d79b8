import {
  type ActionMutation,
  type ActionQuery,
  actionDefinition,
  type InternalMutation,
  type InternalQuery,
} from '../builders/action-definition.ts'
import { DefinitionError } from '../core/errors.ts'
import type { ActionResult } from '../core/result.ts'
import type { OpenStreams } from '../live/live-hub.ts'
import { toProcedure } from '../trpc/callable.ts'
import { LIVE_SUFFIX } from '../trpc/init.ts'
import type { SubscriptionProcedure } from '../trpc/procedures.ts'
import { isStrictObject } from '../wire/schema-scan.ts'

const NAME = /^[a-z][A-Za-z0-9]{0,63}$/
/** Names that mean something to every object or to tRPC's client, and so can name no action. */
const RESERVED: ReadonlySet<string> = new Set([
  'then',
  'call',
  'apply',
  'bind',
  ...Object.getOwnPropertyNames(Object.prototype),
])

// biome-ignore lint/suspicious/noExplicitAny: an action of any input; the builders have checked it.
export type AnyAction = ActionMutation<any, ActionResult<unknown>> | ActionQuery<any, ActionResult<unknown>>

// biome-ignore-start lint/suspicious/noExplicitAny: an action of any input; the builders have checked it.
export type AnyInternalAction =
  | InternalMutation<any, ActionResult<unknown>>
  | InternalQuery<any, ActionResult<unknown>>
// biome-ignore-end lint/suspicious/noExplicitAny: .

type LiveAction = SubscriptionProcedure<unknown, ActionResult<unknown>>

/** The actions of an app, those that no client can call among them. */
export type Actions = Readonly<Record<string, AnyAction | AnyInternalAction>>

/**
 * Joins groups of actions, such as the exports of two modules; an export's name is its action's name. The types hold
 * that names are unique. That each is an action is held by `RouterOf`, so that the compiler need not read all for one.
 *
 * @throws {DefinitionError} that says what is wrong with an action, so that the server does not start with it.
 */
export function actionRegistry<T extends object>(actions: T): T
export function actionRegistry<T extends object, U extends object>(actions: T, more: Disjoint<T, U>): T & U
export function actionRegistry(...groups: object[]): Actions {
  return checkedActions(...groups)
}

/** Joins groups of what should be actions. @throws {DefinitionError} that says what is wrong with one. */
export function checkedActions(...groups: object[]): Actions {
  const all = new Map<string, Actions[string]>()
  for (const [name, action] of groups.flatMap((group): [string, unknown][] => Object.entries(group))) {
    if (all.has(name)) throw new DefinitionError(`Two actions are named "${name}"; names must be unique`)
    all.set(name, checkedAction(name, action))
  }
  return Object.fromEntries(all)
}

type Disjoint<T, U> = keyof T & keyof U extends never ? U : never

/** A sentence about each thing among actions that is none; never where there is no such thing. */
export type NoActions<TActions> = {
  [K in keyof TActions & string]: TActions[K] extends AnyAction | AnyInternalAction
    ? never
    : `"${K}" is no action; make it with action, ownerAction, roleAction or internalAction`
}[keyof TActions & string]

function checkedAction(name: string, action: unknown): Actions[string] {
  if (!NAME.test(name) || RESERVED.has(name)) {
    throw new DefinitionError(
      `Action name "${name}" must match ${NAME} and not be a name that every object has, nor then, call, apply or bind`,
    )
  }
  const definition = actionDefinition(action)
  if (!definition)
    throw new DefinitionError(
      `"${name}" is no action; make it with action, ownerAction, roleAction or internalAction`,
    )
  if (!isStrictObject(definition.input)) {
    throw new DefinitionError(
      `The input of action "${name}" must be a z.strictObject, so that no key is dropped silently`,
    )
  }
  return action as Actions[string] // It has a definition, so one of the builders made it.
}

/** The procedures that open streams of those that only read, by their paths below the actions. */
export function liveActions(actions: Actions, streams: OpenStreams): Readonly<Record<string, LiveAction>> {
  const live = Object.entries(actions).flatMap(([name, action]): [string, LiveAction][] => {
    const callable = actionDefinition(action)?.live?.(streams)
    return callable ? [[name + LIVE_SUFFIX, toProcedure<LiveAction>(callable)]] : []
  })
  return Object.fromEntries(live)
}

/** The actions that clients can call. */
export function clientActions(actions: Actions): Readonly<Record<string, AnyAction>> {
  const ofClients = Object.entries(actions).filter(([, action]) => !actionDefinition(action)?.isInternal)
  return Object.fromEntries(ofClients) as Record<string, AnyAction> // The builders make the others internal.
}
