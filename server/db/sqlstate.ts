import { type Failure, fail } from '../result.ts'
import { AcquireTimeout, ConnectionLost, SqlError } from './database.ts'

/** What a failed statement means for the attempt that sent it. */
export type DatabaseFailure =
  /** Another transaction came first: the attempt is run again. */
  | { readonly kind: 'conflict'; readonly error: unknown }
  /** The attempt ends with this failure. */
  | { readonly kind: 'failure'; readonly failure: Failure; readonly error: unknown }

/** Names of the fields that a constraint is about; undefined when it is not known. */
export type ConstraintFields = (
  constraint: string,
) => { readonly collection: string; readonly fields: readonly string[] } | undefined

const RETRY_AFTER_SECONDS = 1

/** Maps what the database threw to what becomes of the attempt. Anything that is not the database's is undefined. */
export function mapDatabaseError(
  error: unknown,
  constraintFields: ConstraintFields,
): DatabaseFailure | undefined {
  if (error instanceof AcquireTimeout || error instanceof ConnectionLost) {
    return { kind: 'failure', failure: unavailable(), error }
  }
  if (!(error instanceof SqlError)) return undefined
  const known = error.constraint === undefined ? undefined : constraintFields(error.constraint)
  const named = known
    ? `${known.fields.map((field) => `"${field}"`).join(', ')} of "${known.collection}"`
    : undefined
  const failed = (failure: Failure): DatabaseFailure => ({ kind: 'failure', failure, error })
  switch (error.sqlstate) {
    case '40001': // serialization_failure
    case '40P01': // deadlock_detected
    case '53200': // no room to note which transactions overlapped: a long one, anywhere in the cluster, fills it
    case 'XX000': // multixact trouble under foreign keys, seen to pass when run again
      return { kind: 'conflict', error }
    case '23505':
      if (known && known.fields[0] === 'recordId') return { kind: 'conflict', error }
      return failed(
        fail(
          'CONFLICT',
          `Another record has the same ${named ?? 'value in a unique field'}; values must be unique.`,
        ),
      )
    case '23P01': // exclusion_violation
      return failed(fail('CONFLICT', 'Another record excludes these values.'))
    case '23503':
      return failed(
        fail(
          'CONFLICT',
          `The record that ${named ?? 'a field'} refers to does not exist, or is still referred to.`,
        ),
      )
    case '23502':
      return failed(fail('BAD_REQUEST', `Field "${error.column ?? 'unknown'}" may not be empty.`))
    case '23514':
      return failed(fail('BAD_REQUEST', `The record breaks the rule "${error.constraint ?? 'check'}".`))
    case '22001':
    case '22003':
      return failed(fail('BAD_REQUEST', 'A value is out of the range of its field.'))
    case '22P02':
    case '22007':
    case '22008':
    case '22021':
    case '22P05':
      return failed(fail('BAD_REQUEST', 'A value does not have the form that its field needs.'))
    case '25006':
      return failed(
        fail('METHOD_NOT_SUPPORTED', 'A query only reads; make this action a .mutation to write.'),
      )
    case '57014': // query_canceled: by the statement timeout or the deadline
      return failed(fail('GATEWAY_TIMEOUT', 'The database took longer than the deadline of this call.'))
    default:
      if (/^(08|53|57P)/.test(error.sqlstate)) return failed(unavailable())
      return failed(fail('INTERNAL_SERVER_ERROR', 'The database refused a statement.'))
  }
}

/** Whether an error says that the database is away for the moment: the same may pass later. */
export function isUnavailable(error: unknown): boolean {
  const mapped = mapDatabaseError(error, () => undefined)
  return mapped?.kind === 'failure' && mapped.failure.code === 'SERVICE_UNAVAILABLE'
}

/** Whether the same statement of the engine's own may pass when it is sent again. */
export function isPassing(error: unknown): boolean {
  const isConflict = error instanceof SqlError && (error.sqlstate === '40P01' || error.sqlstate === '40001')
  return isConflict || isUnavailable(error)
}

function unavailable(): Failure {
  return fail('SERVICE_UNAVAILABLE', 'The database is not available at the moment; try again shortly.', {
    details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  })
}
