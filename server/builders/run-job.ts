import { type Failure, fail } from '../core/result.ts'
import type { Engine } from '../invocation/engine.ts'
import { DEFAULT_LIFETIME_MS, LEASE_MARGIN_MS } from '../invocation/invocation.ts'
import { JOB_KEYS } from '../queue/change-job.ts'
import type { JobRunner } from '../queue/dispatcher.ts'
import { type ClaimedJob, JOB_LANE } from '../queue/work.ts'
import { sentence } from '../wire/issues.ts'
import { redact } from '../wire/redact.ts'
import { secretValues } from '../wire/secret-values.ts'
import { fromStored, toStored } from '../wire/serialize.ts'
import { callAsApp, noOwner } from './call-as-app.ts'
import { issuesOfInput, type NamedAction, type NamedActions } from './named-actions.ts'

/** The key of a job is claimed after the job is, and must be free by the time that another server takes the job. */
const LATER_THAN_KEY_MS = 15_000
/** How soon another server is tried, where this one is of a version that does not take the input. */
const OTHER_VERSION_SECONDS = 60

/** Makes what runs the jobs of an app. @param engineOf gives the engine, once it is made */
export function createJobRunner(actions: NamedActions, engineOf: () => Engine): JobRunner {
  return {
    actions: actions.all.map(({ name }) => name),
    leases: Object.fromEntries(
      actions.all.map(({ name, definition: { meta } }) => [
        `${JOB_LANE}${name}`,
        (meta.lifetimeMs ?? DEFAULT_LIFETIME_MS) + LEASE_MARGIN_MS + LATER_THAN_KEY_MS,
      ]),
    ),
    run: (job) => runJob(engineOf(), actions, job),
    withoutSecrets: (job) => withoutSecrets(actions, job),
  }
}

function withoutSecrets(actions: NamedActions, { name, input }: ClaimedJob): string | undefined {
  const schema = actions.named(name)?.definition.input
  const value = fromStored(input)
  return schema && secretValues(schema, value).length > 0 ? toStored(redact(schema, value)) : undefined
}

async function runJob(engine: Engine, actions: NamedActions, job: ClaimedJob): Promise<Failure | undefined> {
  const action = actions.named(job.name)
  if (!action) return fail('NOT_FOUND', `This server has no action "${job.name}".`)
  const userId = userOf(engine, job)
  if (userId === undefined) return noOwner()
  if (job.attempt > job.maxAttempts) return endOfAbandoned(engine, job)
  const result = await callAsApp(engine, action, {
    source: job.source,
    userId,
    actedBy: job.runAs === 'caller' ? job.actedBy : null,
    readInput: () => fromStored(job.input),
    key: { space: JOB_KEYS, value: job.id },
    jobId: job.id,
    requestId: job.id,
  })
  if (result.success) return undefined
  return result.code === 'BAD_REQUEST' ? ((await refusalOfVersion(action, job)) ?? result) : result
}

/** An input that was right when it was queued is left to a server that takes it. */
async function refusalOfVersion(
  { name, definition }: NamedAction,
  { input }: ClaimedJob,
): Promise<Failure | undefined> {
  const [issue] = await issuesOfInput(definition, fromStored(input))
  if (!issue) return undefined
  const error = `The action "${name}" of this server does not take the input: ${sentence(issue)}`
  return fail('SERVICE_UNAVAILABLE', error, { details: { retryAfterSeconds: OTHER_VERSION_SECONDS } })
}

/** The user as whom a job runs, null for no one; undefined where it is the owner's and there is none. */
function userOf({ ownerUserId }: Engine, { runAs, caller }: ClaimedJob): string | null | undefined {
  switch (runAs) {
    case 'owner':
      return ownerUserId
    case 'caller':
      return caller
    case 'nobody':
      return null
  }
}

/** Every attempt ended with its server: it may have committed all the same, but it is not begun again. */
async function endOfAbandoned({ database }: Engine, { id, name }: ClaimedJob): Promise<Failure | undefined> {
  const found = await database.query({
    sql: "select 1 from deputy.idempotency_results where actor = '' and action = $1 and key = $2",
    params: [`${JOB_KEYS}:${name}`, id],
  })
  return found.rows.length > 0
    ? undefined
    : fail('INTERNAL_SERVER_ERROR', 'Each server that worked on it ended before it was done.')
}
