import { TRPCError } from '@trpc/server'
import { type ActionResult, type Failure, type JsonValue, ok } from '../../core/result.ts'
import type { Integrations } from '../../integrations/integrations.ts'
import type { Job, Message } from '../../queue/work.ts'
import type { ActionReferences } from '../../tools/action-reference.ts'
import { redact } from '../../wire/redact.ts'
import { secretValues, withoutSecretValues } from '../../wire/secret-values.ts'
import { isTooLarge } from '../check-result.ts'
import { Execution, type ExecutionEngine } from '../execution.ts'
import { answerTooLarge } from '../failures.ts'
import type { RecordedCall } from '../invocation-record.ts'
import { type Handler, runInvocation } from '../run.ts'
import { type DryRunAnswer, type DryRunReport, reportOf } from './report.ts'

type DryRunningEngine = ExecutionEngine & {
  readonly integrations: Pick<Integrations, 'inputSchema'>
  readonly actions: ActionReferences
}

/**
 * Runs an action up to its COMMIT, takes it back, and tells what it would have done.
 *
 * @param toFailure what a caller is shown of an error that was thrown.
 * @returns a failure only where the run itself could not be made.
 * @throws {TRPCError} an error that no one expected.
 */
export async function runDry<T>(
  engine: DryRunningEngine,
  call: RecordedCall,
  handler: Handler<T>,
  toFailure: (error: TRPCError) => Failure,
): Promise<ActionResult<DryRunAnswer>> {
  const execution = new Execution(engine, call)
  const { dryRun } = execution
  if (!dryRun) throw new Error('A call that is no dry run was run as one')
  const result = await failureOf(runInvocation(execution, handler), toFailure)
  // Of a database that is away nothing follows for the next run.
  if (!result.success && call.record.hasMetOutage) return result
  const { seen, stop, written, charges, isOwner } = dryRun
  const end = {
    failure: result.success ? undefined : result,
    stop,
    seen,
    ranSql: written.writes.some(([operation]) => operation === 'sql'),
    queued: written,
    charges,
    attempts: call.record.attempts,
    timeline: call.record.timeline.told.phases,
    result: result.data,
  }
  const shown = {
    dataOf: (message: Message) => shownData(engine.integrations, message),
    inputOf: (job: Job) => engine.actions.shownInput(job.name, job.input),
  }
  const report = reportOf(end, isOwner, shown)
  const answer = { dryRun: withoutSecrets(call, report) }
  return isTooLarge(answer) ? answerTooLarge() : ok(answer)
}

async function failureOf<T>(
  run: Promise<ActionResult<T>>,
  toFailure: (error: TRPCError) => Failure,
): Promise<ActionResult<T>> {
  try {
    return await run
  } catch (error) {
    if (error instanceof TRPCError && error.code !== 'INTERNAL_SERVER_ERROR') return toFailure(error)
    throw error
  }
}

/** What an endpoint marks secret is for its provider alone. */
function shownData(integrations: Pick<Integrations, 'inputSchema'>, { endpoint, data }: Message): JsonValue {
  const schema = integrations.inputSchema(endpoint)
  return schema ? (redact(schema, data) as JsonValue) : data // What is left is a part of JSON.
}

/** What the caller has sent as a secret, and their token, may stand in whatever the handler made of it. */
function withoutSecrets({ invocation, record }: RecordedCall, report: DryRunReport): DryRunReport {
  const { actor } = invocation
  const { input } = record
  return withoutSecretValues(report, [
    ...(input?.schema ? secretValues(input.schema, input.value) : []),
    ...(actor.kind === 'user' && actor.token !== undefined ? [actor.token] : []),
  ])
}
