import type { ErrorCode } from '../core/errors.ts'
import { type Failure, fail } from '../core/result.ts'
import { AcquireTimeout, ConnectionLost, SqlError } from './database.ts'
import { meaningOf, type SqlMeaning } from './sqlstate-classes.ts'

/** What a failed statement means for the attempt that sent it. */
export type DatabaseFailure =
  /** Another transaction came first: the attempt is run again. */
  | { readonly kind: 'conflict'; readonly error: unknown }
  /** The attempt ends with this failure. */
  | { readonly kind: 'failure'; readonly failure: Failure; readonly error: unknown }

/** The fields that an error is about; undefined when they are not known. */
export type ConstraintFields = (
  error: SqlError,
) => { readonly collection: string; readonly fields: readonly string[] } | undefined

export const NO_FIELDS: ConstraintFields = () => undefined

/**
 * `write`: a verb that stores what it was given. `read`: one that stores nothing, so that what fails on stored values
 * is a rule of the app. `own sql`: the app wrote it itself, and what it names wrongly is a bug of it.
 */
export type StatementKind = 'write' | 'read' | 'own sql'

/** A value that was sent does not have the form or the range of its type. */
const MALFORMED: ReadonlySet<string> = new Set([
  '22001',
  '22003',
  '22007',
  '22008',
  '22009',
  '22015',
  '22018',
  '22021',
  '22P02',
  '22P05',
])

const RETRY_AFTER_SECONDS = 1
const MAX_TOLD_LENGTH = 300

/**
 * SQLSTATEs that a function of the app raises so that the caller is told its message: `U0` and the HTTP status. A
 * SQLSTATE stands in the RAISE itself, beside the message that it makes public, and no other error can have it.
 */
const TOLD_CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['U0400', 'BAD_REQUEST'],
  ['U0403', 'FORBIDDEN'],
  ['U0404', 'NOT_FOUND'],
  ['U0409', 'CONFLICT'],
])

/**
 * Maps what the database threw to what becomes of the attempt. Anything that is not the database's is undefined.
 *
 * @param sent what kind of statement failed.
 */
export function mapDatabaseError(
  error: unknown,
  constraintFields: ConstraintFields,
  sent: StatementKind = 'write',
): DatabaseFailure | undefined {
  if (isLost(error)) return { kind: 'failure', failure: unavailable(), error }
  if (!(error instanceof SqlError)) return undefined
  if (error.isOutdated) return { kind: 'conflict', error }
  const known = constraintFields(error)
  const meaning = meaningIn(sent, error.sqlstate)
  // Of an id that the engine minted, or that a call beside this one takes at the same moment.
  const isIdTaken = error.sqlstate === '23505' && known?.fields[0] === 'recordId'
  if (meaning === 'again' || isIdTaken) return { kind: 'conflict', error }
  return { kind: 'failure', failure: failureOf(error, meaning, known), error }
}

function meaningIn(sent: StatementKind, sqlstate: string): SqlMeaning {
  const meaning = meaningOf(sqlstate)
  if (sent === 'own sql' && meaning === 'drift') return 'bug'
  return sent === 'read' && sqlstate.startsWith('22') && !MALFORMED.has(sqlstate) ? 'bug' : meaning
}

/**
 * Maps what the database threw at a statement of the engine's own. No caller could have sent anything better, so
 * whatever does not pass by itself is undefined: a bug.
 */
export function mapEngineError(error: unknown): DatabaseFailure | undefined {
  if (error instanceof SqlError && !error.isOutdated && !PASSING.has(meaningOf(error.sqlstate)))
    return undefined
  return mapDatabaseError(error, NO_FIELDS)
}

const PASSING: ReadonlySet<SqlMeaning> = new Set<SqlMeaning>(['again', 'away', 'drift', 'too late'])

/** Whether an error says that the database is away for the moment: the same may pass later. */
export function isUnavailable(error: unknown): boolean {
  return isLost(error) || (error instanceof SqlError && meaningOf(error.sqlstate) === 'away')
}

/** Whether the same statement of the engine's own may pass when it is sent again. */
export function isPassing(error: unknown): boolean {
  const isConflict =
    error instanceof SqlError &&
    (error.isOutdated || error.sqlstate === '40P01' || error.sqlstate === '40001')
  return isConflict || isUnavailable(error)
}

function isLost(error: unknown): boolean {
  return error instanceof AcquireTimeout || error instanceof ConnectionLost
}

type Known = ReturnType<ConstraintFields>

function failureOf(error: SqlError, meaning: SqlMeaning, known: Known): Failure {
  switch (meaning) {
    case 'conflict':
      return fail('CONFLICT', conflictSentence(error, known))
    case 'value':
      return fail('BAD_REQUEST', valueSentence(error, known))
    case 'refused':
      return refusal(error)
    case 'read only':
      return fail('METHOD_NOT_SUPPORTED', 'A query only reads; make this action a .mutation to write.')
    case 'too late':
      return fail('GATEWAY_TIMEOUT', 'The database took longer than the deadline of this call.')
    case 'again':
    case 'away':
      return unavailable()
    case 'drift':
      return fail(
        'SERVICE_UNAVAILABLE',
        'The database does not have the tables that this server knows; it may be in the middle of an update. Try again shortly.',
        { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } },
      )
    case 'bug':
      return bug()
  }
}

function conflictSentence({ sqlstate, constraint }: SqlError, known: Known): string {
  const named = namedFields(known)
  const rule = constraint === undefined ? '' : ` (constraint "${constraint}")`
  switch (sqlstate) {
    case '23505':
      return named === undefined
        ? `Another record has the same value in a unique field${rule}; values must be unique.`
        : `Another record has the same ${named}; values must be unique.`
    case '23P01':
      return `Another record excludes these values${named === undefined ? '' : ` of ${named}`}${rule}.`
    case '23503':
      return `The record that ${named ?? 'a field'} refers to does not exist, or is still referred to${named === undefined ? rule : ''}.`
    case '23001':
      return `The record is still referred to${named === undefined ? rule : ` by ${named}`}.`
    default:
      return 'A numbered field has no number left; ask whoever runs this app.'
  }
}

function valueSentence({ sqlstate, constraint, column }: SqlError, known: Known): string {
  const named = namedFields(known)
  if (sqlstate === '23502') {
    if (named !== undefined) return `Field ${named} may not be empty.`
    return column === undefined ? 'A field may not be empty.' : `Field "${column}" may not be empty.`
  }
  switch (sqlstate.slice(0, 2)) {
    case '23':
    case '44': {
      const about = named === undefined ? '' : `, which is about ${named}`
      return constraint === undefined
        ? `The record breaks a rule of the database${about}.`
        : `The record breaks the rule "${constraint}"${about}.`
    }
    case '54':
      return named === undefined
        ? 'A value is larger or deeper than the database can work with; make it smaller.'
        : `The value of ${named} is too large for its index; make it smaller.`
  }
  switch (sqlstate) {
    case '22001':
    case '22003':
    case '22008':
      return 'A value is out of the range of its field.'
    case '22012':
      return 'A value leads to a division by zero.'
    case '22P02':
    case '22007':
    case '22009':
    case '22021':
    case '22P05':
      return 'A value does not have the form that its field needs.'
    default:
      return 'A value does not fit what its field, or a computation with it, needs.'
  }
}

/** `"room", "during" of "bookings"` */
function namedFields(known: Known): string | undefined {
  if (!known || known.fields.length === 0) return undefined
  return `${known.fields.map((field) => `"${field}"`).join(', ')} of "${known.collection}"`
}

function refusal({ sqlstate, told }: SqlError): Failure {
  const code = TOLD_CODES.get(sqlstate)
  if (code === undefined || told === undefined)
    return fail('BAD_REQUEST', 'A rule of the database refuses these values.')
  return fail(code, told.length > MAX_TOLD_LENGTH ? `${told.slice(0, MAX_TOLD_LENGTH)}…` : told)
}

function unavailable(): Failure {
  return fail('SERVICE_UNAVAILABLE', 'The database is not available at the moment; try again shortly.', {
    details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  })
}

function bug(): Failure {
  return fail('INTERNAL_SERVER_ERROR', 'The database refused a statement.')
}
