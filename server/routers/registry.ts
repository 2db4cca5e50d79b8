import {
  type ActionDefinition,
  type ActionMutation,
  type ActionQuery,
  actionDefinition,
} from '../builders/action.ts'
import { DefinitionError } from '../core/errors.ts'
import type { ActionResult } from '../core/result.ts'
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
type AnyAction = ActionMutation<any, ActionResult<unknown>> | ActionQuery<any, ActionResult<unknown>>

export type Actions = Readonly<Record<string, AnyAction>>

/** Puts the app's actions together; an export's name is its action's name. */
export function actionRegistry<const T extends Actions>(actions: T): T
export function actionRegistry<const T extends Actions, const U extends Actions>(
  actions: T,
  more: Disjoint<T, U>,
): T & U
export function actionRegistry(...groups: Actions[]): Actions {
  const all = new Map<string, AnyAction>()
  for (const [name, action] of groups.flatMap((group) => Object.entries(group))) {
    if (all.has(name)) throw new DefinitionError(`Two actions are named "${name}"; names must be unique`)
    checkAction(name, action)
    all.set(name, action)
  }
  return Object.fromEntries(all)
}

type Disjoint<T, U> = keyof T & keyof U extends never ? U : never

/** @throws {DefinitionError} that says what is wrong with an action, so that the server does not start with it. */
function checkAction(name: string, action: unknown): ActionDefinition {
  if (!NAME.test(name) || RESERVED.has(name)) {
    throw new DefinitionError(
      `Action name "${name}" must match ${NAME} and not be a name that every object has, nor then, call, apply or bind`,
    )
  }
  const definition = actionDefinition(action)
  if (!definition)
    throw new DefinitionError(`"${name}" is no action; make it with action, ownerAction or roleAction`)
  if (!isStrictObject(definition.input)) {
    throw new DefinitionError(
      `The input of action "${name}" must be a z.strictObject, so that no key is dropped silently`,
    )
  }
  return definition
}
