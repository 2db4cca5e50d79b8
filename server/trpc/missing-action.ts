import { nearestName } from '../core/nearest-name.ts'
import { type Failure, fail } from '../core/result.ts'
import { quote } from '../tools/problems.ts'
import type { Callables } from './callable.ts'
import { ACTIONS_PREFIX } from './init.ts'

/**
 * Says that there is no action of a name, and which of those that clients can call was probably meant. For callers who
 * are signed in: a stranger learns of no name.
 */
export function noSuchAction(callables: Callables, name: string): Failure {
  const names = [...callables.keys()]
    .filter((path) => path.startsWith(ACTIONS_PREFIX))
    .map((path) => path.slice(ACTIONS_PREFIX.length))
  const meant = nearestName(name, names)
  const advice = meant === undefined ? '.' : `; did you mean ${quote(meant)}?`
  return fail('NOT_FOUND', `There is no action ${quote(name)}${advice}`)
}
