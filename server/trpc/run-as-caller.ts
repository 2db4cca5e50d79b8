import type { SQL } from 'drizzle-orm'
import type { Actor } from '../auth/actor.ts'
import { type ActionResult, fail } from '../core/result.ts'
import { type QueryResult, SqlError, type Statement } from '../db/database.ts'
import { mapDatabaseError, NO_FIELDS } from '../db/sqlstate.ts'
import { toStatement } from '../db/statement.ts'
import type { Attempt } from '../invocation/attempt.ts'
import { runCall } from '../invocation/call.ts'
import type { Engine } from '../invocation/engine.ts'
import { UnexpectedError } from '../invocation/failures.ts'
import type { RecordedCall } from '../invocation/invocation-record.ts'
import type { Timeline } from '../invocation/timeline.ts'
import { createCallerReads, createCallerRecords } from '../records/as-caller.ts'
import { Caller } from '../records/caller.ts'
import type { CallerReads, CallerRecords } from '../records/types.ts'
import type { Catalog } from '../tools/catalog.ts'
import type { ReadToolRuntime, ToolCall } from '../tools/tool-runtime.ts'
import type { AnyCollections } from '../tools/types.ts'

/** A call by whoever may read and write. */
interface AnyCall extends RecordedCall {
  readonly engine: Engine
  readonly actor: Actor
}

/** Reads by single statements without a transaction. */
export function directReads({ engine, invocation, record }: AnyCall): DirectReads {
  return new DirectReads(engine, invocation.requestId, record.timeline)
}

/** Runs single statements, and answers with a failure what the database refuses. */
export function readDirectly<T>(
  call: AnyCall,
  tool: ToolCall['tool'],
  read: (reads: DirectReads) => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  const reads = directReads(call)
  return reads.call({ tool }, () => read(reads))
}

/**
 * Changes tables of the engine's own by statements that commit themselves. It runs as an action does, for the sake of
 * its key; what is changed is no data of its transaction.
 */
export function writeDirectly<T>(
  call: AnyCall,
  tool: ToolCall['tool'],
  write: () => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  return runCall(call.engine, call, (attempt) => attempt.call({ tool, writes: true }, write))
}

/** Reads under the caller's permissions, by single statements without a transaction. */
export function readsOf(call: AnyCall): CallerReads<AnyCollections> {
  const reads = directReads(call)
  return createCallerReads(reads, new Caller(reads, call.actor, call.engine))
}

/** Writes under the caller's permissions, in a transaction of their own, by the runner that actions have. */
export function writeAsCaller<T>(
  call: AnyCall,
  write: (
    records: CallerRecords<AnyCollections>,
    attempt: Attempt,
    caller: Caller,
  ) => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  const { engine, actor } = call
  return runCall(engine, call, (attempt) => {
    const caller = new Caller(attempt, actor, engine)
    return write(createCallerRecords(attempt, caller), attempt, caller)
  })
}

/** Reads outside any transaction: each statement for itself, on the state of the moment. */
export class DirectReads implements ReadToolRuntime {
  readonly #engine: Engine
  readonly #requestId: string
  readonly #timeline: Timeline | undefined

  /** @param timeline of the call that reads */
  constructor(engine: Engine, requestId: string, timeline?: Timeline) {
    this.#timeline = timeline
    this.#engine = engine
    this.#requestId = requestId
  }

  get catalog(): Catalog {
    return this.#engine.catalog
  }

  execute(statement: SQL): Promise<QueryResult> {
    return this.run(toStatement(statement))
  }

  run(statement: Statement): Promise<QueryResult> {
    const query = () => this.#engine.database.query(statement)
    return this.#timeline ? this.#timeline.during('statement', statement, query) : query()
  }

  /** Runs one read, and answers with a failure what the database refuses. @throws what no one expected */
  async call<T>({ tool }: ToolCall, body: () => Promise<ActionResult<T>>): Promise<ActionResult<T>> {
    try {
      return await body()
    } catch (error) {
      const mapped = mapDatabaseError(error, NO_FIELDS, 'read')
      if (!mapped) throw error
      const failure = mapped.kind === 'failure' ? mapped.failure : unlessInternal(error)
      this.#engine.log.warn(
        { requestId: this.#requestId, tool, code: failure.code, err: error },
        'A statement failed',
      )
      if (failure.code === 'INTERNAL_SERVER_ERROR') throw new UnexpectedError(error)
      return failure
    }
  }
}

/** A read is not run again by itself. An internal error of the database may pass, but nothing says so. */
function unlessInternal(error: unknown) {
  return error instanceof SqlError && error.sqlstate === 'XX000'
    ? fail('INTERNAL_SERVER_ERROR', 'The database refused a statement.')
    : fail('SERVICE_UNAVAILABLE', 'The database is busy; try again.', { details: { retryAfterSeconds: 1 } })
}
