import type { Operation } from '../../drizzle/engine/access.ts'
import { type Failure, fail } from '../core/result.ts'
import { quote } from '../tools/problems.ts'
import type { Permission } from './policy.ts'

/** Refuses an operation that the actor's role may do with no record: it reveals nothing about one. */
export function deniedToRole({ entry, actor }: Permission, operation: Operation): Failure {
  const who = actor.userId === null ? 'Without signing in you' : `The role ${quote(actor.role)}`
  return fail('FORBIDDEN', `${who} may not ${operation} records of ${quote(entry.name)}.`)
}

/** Refuses an operation on a record that the actor may read. */
export function deniedToRecord({ entry }: Permission, operation: Operation, recordId: string): Failure {
  return fail('FORBIDDEN', `You may not ${operation} record ${quote(recordId)} of ${quote(entry.name)}.`)
}

/** Refuses a write after which the actor could not write the record. */
export function deniedAfterwards({ entry }: Permission, operation: 'create' | 'update'): Failure {
  const sentence =
    operation === 'create'
      ? `You may not create such a record of ${quote(entry.name)}: it must be one that you may create, and its owner you or nobody, unless the rule says otherwise.`
      : `You may not change a record of ${quote(entry.name)} in this way: it must still be one that you may update, and only its owner gives it away.`
  return fail('FORBIDDEN', sentence)
}
