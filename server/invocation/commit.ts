import { setTimeout as sleep } from 'node:timers/promises'
import type { ActionResult } from '../core/result.ts'
import { type Database, SqlError, type Statement } from '../db/database.ts'
import {
  type DatabaseFailure,
  isUnavailable,
  mapDatabaseError,
  mapEngineError,
  NO_FIELDS,
} from '../db/sqlstate.ts'
import { Parameters } from '../db/statement.ts'
import { LastStatementFailed } from '../db/transaction.ts'
import { hasWork, isDueNow, queueWork } from '../queue/work.ts'
import {
  constraintFields,
  readConstraintColumns,
  selectConstraintColumns,
} from '../tools/constraint-fields.ts'
import { toStored } from '../wire/serialize.ts'
import type { Attempt } from './attempt.ts'
import { auditStatement, isWorthAuditing } from './audit-row.ts'
import { collectionsOf } from './changes.ts'
import type { DryRun } from './dry-run/dry-run.ts'
import type { Execution, ExecutionEngine } from './execution.ts'
import { outcomeUnknown } from './failures.ts'
import { insertResult, isResultConstraint } from './idempotency.ts'
import type { RecordedCall } from './invocation-record.ts'
import { NO_WORK } from './run-queue.ts'
import type { Stop } from './run-state.ts'

/** The result that an attempt ends with. */
export interface Done<T> {
  readonly kind: 'done'
  readonly result: ActionResult<T>
}

/** How the end of an attempt went. */
export type CommitResult<T> =
  | Done<T>
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'conflict'; readonly keys: ReadonlySet<string>; readonly error: unknown }
  /** Another holder has stored the result of its idempotency key. */
  | { readonly kind: 'superseded' }

const LOOKS = 5
const PAUSE_MS = 200

/** Commits an attempt that succeeded, with its audit row, its messages and the result of its key. */
export async function commit<T>(
  execution: Execution,
  attempt: Attempt,
  done: Done<T>,
): Promise<CommitResult<T>> {
  const { engine, invocation, record } = execution
  const commitStatement = commitStatementOf(execution, done.result, attempt)
  const mustBeOnce = invocation.keyScope !== undefined || hasWork(attempt.queued)
  try {
    const stop = engine.failpoint('before-commit')
    if (stop) await stop
    const outcome = await record.timeline.during('commit', undefined, () =>
      attempt.commit(commitStatement?.statement, mustBeOnce),
    )
    const committed =
      outcome === 'committed' ||
      (outcome === 'unknown' && (await confirmCommit(engine.database, invocation.id, commitStatement)))
    // Where no one knows whether it has committed, it may have.
    const changed = outcome === 'rolled back' ? undefined : collectionsOf(attempt.writes)
    if (changed) engine.changes.tell(changed)
    if (committed) {
      if (commitStatement?.isAudited) record.auditedAtCommit()
      const before = attempt.seenBefore
      if (before) record.commit({ writes: attempt.writes, before })
      const { messages } = attempt.queued
      if (messages.length > 0) execution.messageReservations.committed(messages)
      if (attempt.queued !== NO_WORK && isDueNow(attempt.allQueued, new Date())) engine.queueSignal.wake()
      const stop = engine.failpoint('after-commit')
      if (stop) await stop
      return done
    }
    if (outcome === 'rolled back')
      throw new Error('Postgres rolled the transaction back at COMMIT without an error')
    attempt.log.error('The connection was lost while a call was committed; its outcome is not known')
    execution.messageReservations.leave()
    record.loseOutcome()
    return { kind: 'done', result: outcomeUnknown(invocation) }
  } catch (error) {
    return commitFailed(execution, attempt, error)
  }
}

/** Looks at what a dry run has written, in place of committing it, and rolls it back. */
export async function lookAndRollBack<T>(
  execution: Execution,
  dryRun: DryRun,
  attempt: Attempt,
  done: Done<T>,
  stop?: Stop,
): Promise<CommitResult<T>> {
  try {
    const failure = await dryRun.look(
      attempt.transaction,
      { writes: attempt.writes, ...attempt.allQueued },
      stop,
    )
    await attempt.abandon()
    return failure ? { kind: 'done', result: failure } : done
  } catch (error) {
    return commitFailed(execution, attempt, error)
  }
}

/** What is to be done about a COMMIT that has failed, or what it would fail with. */
async function commitFailed<T>(
  { engine, record }: Execution,
  attempt: Attempt,
  error: unknown,
): Promise<CommitResult<T>> {
  // What was thrown before COMMIT was sent must not leave the transaction open.
  await attempt.abandon()
  if (error instanceof LastStatementFailed && isResultConstraint(error.cause)) return { kind: 'superseded' }
  const mapped = await atCommit(engine, attempt, error)
  if (!mapped) return { kind: 'threw', error }
  if (mapped.kind === 'conflict') return { kind: 'conflict', keys: attempt.turnKeys, error: mapped.error }
  if (isUnavailable(mapped.error)) record.meetOutage()
  attempt.log.warn({ code: mapped.failure.code, err: error }, 'A COMMIT failed')
  return { kind: 'done', result: mapped.failure }
}

/** Maps an error of COMMIT: of a constraint that is checked at the end, or of the engine's last statement. */
async function atCommit(
  engine: Pick<ExecutionEngine, 'catalog' | 'database'>,
  attempt: Attempt,
  error: unknown,
): Promise<DatabaseFailure | undefined> {
  if (error instanceof LastStatementFailed) return mapEngineError(error.cause)
  if (!(error instanceof SqlError)) return mapDatabaseError(error, NO_FIELDS)
  const shown = attempt.concealed(error)
  const known = await fieldsBehind(engine, shown)
  return mapDatabaseError(shown, () => known)
}

/** Finds the fields of a constraint; asks the database where the collection does not declare it. */
async function fieldsBehind(
  { catalog, database }: Pick<ExecutionEngine, 'catalog' | 'database'>,
  error: SqlError,
) {
  const { table, constraint } = error
  const declared = constraintFields(catalog, error)
  const entry = table === undefined ? undefined : catalog.get(table)
  if (declared || !entry || constraint === undefined) return declared
  const { rows } = await database
    .query(selectConstraintColumns(entry.name, constraint))
    .catch(() => ({ rows: [] }))
  return readConstraintColumns(entry, rows)
}

/**
 * Looks for the audit row of a COMMIT that got no answer. Without the row the outcome is unknown: the database may still
 * be committing.
 */
async function confirmCommit(
  database: Database,
  invocationId: string,
  commitStatement: CommitStatement | undefined,
): Promise<boolean> {
  if (!commitStatement?.isAudited) return false
  const statement = { sql: 'select 1 from deputy.audit_log where id = $1', params: [invocationId] }
  for (let look = 1; look <= LOOKS; look += 1) {
    try {
      if ((await database.query(statement)).rows.length > 0) return true
    } catch {
      // The database may come back.
    }
    await sleep(PAUSE_MS)
  }
  return false
}

/** The last statement of an attempt: it writes the audit row, the messages, and the result of the idempotency key. */
export interface CommitStatement {
  readonly statement: Statement
  readonly isAudited: boolean
}

/** Builds the last statement of an attempt that succeeded; undefined when there is nothing to write. */
function commitStatementOf(
  call: RecordedCall & Pick<Execution, 'engine'>,
  result: ActionResult<unknown>,
  { writes, queued }: Pick<Attempt, 'writes' | 'queued'>,
): CommitStatement | undefined {
  // A transaction that only reads writes nothing; its audit row, if there is one, is written after it.
  const { invocation } = call
  if (invocation.readOnly) return undefined
  if (!isWorthAuditing(call, 'OK', writes)) {
    if (!invocation.keyScope) return undefined
    const parameters = new Parameters()
    const [sql = ''] = answerParts(call, result, parameters)
    return { statement: { sql, params: parameters.values }, isAudited: false }
  }
  const beside = (parameters: Parameters) => {
    const answer = answerParts(call, result, parameters)
    if (!hasWork(queued)) return answer
    const offsetMs = call.engine.clockOffsetMs()
    return [...answer, queueWork(parameters, originOf(invocation), queued, offsetMs)]
  }
  return {
    statement: auditStatement(call, 'OK', writes, { messages: queued.messages, beside }),
    isAudited: true,
  }
}

function answerParts(
  { invocation, record }: RecordedCall,
  result: ActionResult<unknown>,
  parameters: Parameters,
): string[] {
  const { keyScope, id } = invocation
  if (!keyScope) return []
  const stored = { ...keyScope, token: id, storedInput: record.storedInput, result: toStored(result) }
  return [insertResult(parameters, stored)]
}

function originOf({ userId, actedBy, action, id }: RecordedCall['invocation']) {
  return { caller: userId, actedBy, action, invocation: id }
}
