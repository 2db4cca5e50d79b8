import { nearestName } from '../core/nearest-name.ts'
import { type Failure, fail } from '../core/result.ts'
import { quote } from '../tools/problems.ts'
import type { Callables } from './callable.ts'
import { ACTIONS_PREFIX, LIVE_SUFFIX } from './init.ts'

/** Lists the names of the actions that clients can call. */
export function actionNames(callables: Callables): readonly string[] {
  return [...callables].flatMap(([path, { kind }]) =>
    path.startsWith(ACTIONS_PREFIX) && kind !== 'subscription' ? path.slice(ACTIONS_PREFIX.length) : [],
  )
}

/** Says why there is no stream of an action that is there. */
export function notLive(callables: Callables, name: string): string {
  return callables.get(ACTIONS_PREFIX + name)?.kind === 'query'
    ? `${quote(name)} is not shown live: its meta says so.`
    : `${quote(name)} may write, so that it is not run again by itself: only what only reads is shown live.`
}

/**
 * Says that there is no action of a name, and which of those that clients can call was probably meant. For callers who
 * are signed in: a stranger learns of no name.
 */
export function noSuchAction(callables: Callables, name: string): Failure {
  const names = actionNames(callables)
  const shown = name.endsWith(LIVE_SUFFIX) ? name.slice(0, -LIVE_SUFFIX.length) : name
  if (shown !== name && names.includes(shown)) return fail('NOT_FOUND', notLive(callables, shown))
  const meant = nearestName(shown, names)
  const advice = meant === undefined ? '.' : `; did you mean ${quote(meant)}?`
  return fail('NOT_FOUND', `There is no action ${quote(shown)}${advice}`)
}
