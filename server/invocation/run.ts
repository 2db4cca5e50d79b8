import { setTimeout as sleep } from 'node:timers/promises'
import { TRPCError } from '@trpc/server'
import { HTTP_STATUS } from '../core/errors.ts'
import { type ActionResult, causeOf, type Failure, fail, ok } from '../core/result.ts'
import { SqlError } from '../db/database.ts'
import type { Message } from '../queue/work.ts'
import { Attempt } from './attempt.ts'
import { findResultFault, isTooLarge, plainResult } from './check-result.ts'
import { type CommitResult, commit, type Done, lookAndRollBack } from './commit.ts'
import type { Execution } from './execution.ts'
import { answerTooLarge, tooLong, tooManyConflicts, UnexpectedError } from './failures.ts'
import type { Step } from './journal.ts'
import type { Interruption } from './run-state.ts'
import { type HeldTurns, TurnTimeout } from './turns.ts'

const NO_KEYS: ReadonlySet<string> = new Set()
const MAX_CONFLICTS = 25
const MAX_BACKOFF_MS = 100

/** A handler that needs nothing but an attempt. */
export type Handler<T> = (attempt: Attempt) => Promise<ActionResult<T>>

/** How one attempt ended. */
type AttemptOutcome<T> =
  | CommitResult<T>
  | { readonly kind: 'suspended'; readonly steps: readonly Step[] }
  /** It queued messages that have no reservation yet. */
  | { readonly kind: 'unreserved'; readonly messages: readonly Message[] }

/** How the handler ended, or was interrupted. */
type Settled<T> =
  | Done<T>
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'interrupted'; readonly interruption: Interruption }

/** Thrown when another invocation of the same idempotency key has committed, and this one has not. */
export class Superseded extends Error {
  override readonly name = 'Superseded'
}

/**
 * Runs an action until it has committed or failed: conflict retries and replays after outside calls are the
 * same loop. Each attempt is one transaction; nothing of an attempt that did not commit remains.
 *
 * @returns what the handler returned, or the failure that the call ended with.
 * @throws {TRPCError} what the handler threw, as INTERNAL_SERVER_ERROR unless it is a TRPCError itself.
 */
export async function runInvocation<T>(execution: Execution, handler: Handler<T>): Promise<ActionResult<T>> {
  const { invocation } = execution
  // Of the deadline: what one run leaves of it, the next one has.
  let handlerMs = invocation.deadlineMs
  const endsAt = performance.now() + invocation.lifetimeMs
  let conflicts = 0
  let internalErrors = 0
  let turnKeys = NO_KEYS
  try {
    for (let run = 1; ; run += 1) {
      const remainingMs = endsAt - performance.now()
      if (remainingMs <= 0) return tooLong(invocation)
      const turns = turnKeys.size === 0 ? undefined : await takeTurns(execution, turnKeys, remainingMs)
      if (turns === 'timeout') return tooManyConflicts()
      const attempt = new Attempt(execution, { number: run, remainingMs: handlerMs, turns })
      const outcome = await execution.record.timeline.during('attempt', String(run), () =>
        runAttempt(execution, attempt, handler, endsAt),
      )
      handlerMs = attempt.stopwatch.remainingMs
      switch (outcome.kind) {
        case 'done':
          return checked(execution, outcome.result)
        case 'threw':
          throw asTRPCError(execution, outcome.error)
        case 'superseded':
          throw new Superseded()
        case 'conflict':
          conflicts += 1
          execution.record.meetConflict()
          // Postgres has internal errors that pass when it is asked again; one that does not is a bug.
          if (isInternal(outcome.error)) internalErrors += 1
          if (internalErrors > 1) throw asTRPCError(execution, outcome.error)
          if (conflicts >= MAX_CONFLICTS) return tooManyConflicts()
          turnKeys = outcome.keys
          await sleep(Math.random() * Math.min(MAX_BACKOFF_MS, 2 ** conflicts))
          break
        case 'unreserved': {
          const failure = await execution.messageReservations.reserve(outcome.messages)
          if (failure) return failure
          break
        }
        case 'suspended': {
          execution.record.suspend()
          const failure = execution.diverges(outcome.steps, run)
          if (failure) return failure
          const unperformed = await performAll(execution, outcome.steps, run, endsAt)
          if (unperformed) return unperformed
          break
        }
      }
    }
  } finally {
    if (execution.hasReserved) await execution.release()
  }
}

/** Takes the turns on these keys. */
async function takeTurns(
  { engine, record, slot }: Execution,
  keys: ReadonlySet<string>,
  timeoutMs: number,
): Promise<HeldTurns | 'timeout'> {
  try {
    const turns = engine.turns.take(keys, timeoutMs)
    return await record.timeline.during('turn', undefined, () => (slot ? slot.whileItWaits(turns) : turns))
  } catch (error) {
    if (error instanceof TurnTimeout) return 'timeout'
    throw error
  }
}

async function runAttempt<T>(
  execution: Execution,
  attempt: Attempt,
  handler: Handler<T>,
  endsAt: number,
): Promise<AttemptOutcome<T>> {
  attempt.start()
  // Outside calls and queues stop the stopwatch; this does not stop.
  const lifetime = setTimeout(() => attempt.expire('lifetime'), endsAt - performance.now())
  const settled = await new Promise<Settled<T>>((resolve) => {
    attempt.onInterrupt((interruption) => resolve({ kind: 'interrupted', interruption }))
    void invoke(attempt, handler).then(resolve)
  })
  clearTimeout(lifetime)
  if (settled.kind === 'interrupted') return giveUp(execution, attempt, settled.interruption)
  if (attempt.poison) return rolledBack(attempt, { kind: 'done', result: attempt.poison })
  if (settled.kind === 'threw') return rolledBack(attempt, settled)
  // Before COMMIT: after it, an answer that cannot be sent would be an error of a committed call.
  const error = findResultFault(execution.invocation.action, settled.result)
  if (error) return rolledBack(attempt, { kind: 'threw', error })
  const result = plainResult(settled.result)
  if (!result.success) return rolledBack(attempt, { kind: 'done', result })
  const done: Done<T> = { kind: 'done', result }
  if (isTooLarge(result.data)) return rolledBack(attempt, { kind: 'done', result: answerTooLarge() })
  // Later calls do nothing: no message may be queued without a reservation.
  attempt.end()
  if (execution.dryRun) return lookAndRollBack(execution, execution.dryRun, attempt, done)
  const queued = attempt.queued.messages
  if (queued.length === 0) return commit(execution, attempt, done)
  const messages = execution.messageReservations.unreserved(queued)
  if (messages.length === 0) return commit(execution, attempt, done)
  // No connection is held while the ledger is asked.
  if (attempt.hasTransaction) return rolledBack(attempt, { kind: 'unreserved', messages })
  const failure = await execution.messageReservations.reserve(messages)
  return failure ? rolledBack(attempt, { kind: 'done', result: failure }) : commit(execution, attempt, done)
}

async function invoke<T>(attempt: Attempt, handler: Handler<T>): Promise<Settled<T>> {
  try {
    const result = await handler(attempt)
    if (attempt.hasCallsInFlight) await attempt.settle()
    return { kind: 'done', result }
  } catch (error) {
    return { kind: 'threw', error }
  }
}

async function giveUp<T>(
  execution: Execution,
  attempt: Attempt,
  interruption: Interruption,
): Promise<AttemptOutcome<T>> {
  const { dryRun, invocation } = execution
  switch (interruption.kind) {
    case 'stopped': {
      if (!dryRun) throw new Error('A call that is no dry run has stopped at a step')
      // What is shown in place of its result says where it stopped.
      return lookAndRollBack(
        execution,
        dryRun,
        attempt,
        { kind: 'done', result: ok(undefined as T) },
        interruption.stop,
      )
    }
    case 'suspended':
      await attempt.abandon()
      return { kind: 'suspended', steps: attempt.pending }
    case 'conflict':
      await attempt.abandon()
      return { kind: 'conflict', keys: attempt.turnKeys, error: interruption.error }
    case 'failed':
      return rolledBack(attempt, { kind: 'done', result: interruption.failure })
    case 'lifetime':
      void attempt.abandon()
      return { kind: 'done', result: tooLong(invocation) }
    case 'deadline':
      // The answer does not wait for a statement that the database may not be able to stop.
      void attempt.abandon()
      return {
        kind: 'done',
        result: fail('GATEWAY_TIMEOUT', 'The call took longer than its deadline; nothing of it was kept.'),
      }
  }
}

async function rolledBack<T>(attempt: Attempt, outcome: AttemptOutcome<T>): Promise<AttemptOutcome<T>> {
  await attempt.abandon()
  return outcome
}

/** Performs the steps side by side, with no transaction open; a failure where they may not, or outlast the call. */
async function performAll(
  execution: Execution,
  steps: readonly Step[],
  run: number,
  endsAt: number,
): Promise<Failure | undefined> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<Failure>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, endsAt - performance.now()), tooLong(execution.invocation))
  })
  const work = Promise.all(steps.map((step) => execution.perform(step, run))).then((failures) =>
    failures.find((failure) => failure !== undefined),
  )
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** INTERNAL_SERVER_ERROR is thrown, never returned, so that it always comes with the request id. */
function checked<T>(execution: Execution, result: ActionResult<T>): ActionResult<T> {
  if (result.success) return result
  if (!Object.hasOwn(HTTP_STATUS, result.code)) {
    throw asTRPCError(
      execution,
      new Error(
        `Action "${execution.invocation.action}" failed with the unknown code ${JSON.stringify(result.code)}`,
      ),
    )
  }
  if (result.code === 'INTERNAL_SERVER_ERROR')
    throw asTRPCError(execution, new Error(result.error, { cause: causeOf(result) }))
  return result
}

function asTRPCError(execution: Execution, error: unknown): TRPCError {
  if (error instanceof TRPCError && error.code !== 'INTERNAL_SERVER_ERROR') return error
  const log = execution.logOf(execution.record.attempts)
  log.error({ err: error }, 'An action failed with an unexpected error')
  return new UnexpectedError(error)
}

function isInternal(error: unknown): boolean {
  return error instanceof SqlError && error.sqlstate === 'XX000'
}
