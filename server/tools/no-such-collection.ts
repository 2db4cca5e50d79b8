import { type Failure, fail } from '../core/result.ts'
import { quote } from './problems.ts'

export function noSuchCollection(collection: unknown): Failure {
  return fail(
    'NOT_FOUND',
    `There is no collection ${quote(typeof collection === 'string' ? collection : typeof collection)}.`,
  )
}
