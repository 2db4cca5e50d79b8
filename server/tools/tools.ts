import { DrizzleQueryError } from 'drizzle-orm'
import { drizzle, type PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { type ActionResult, FailureError, fail, type JsonValue, ok } from '../core/result.ts'
import type { Integrations } from '../integrations/integrations.ts'
import { jsonProblem } from '../wire/plain-data.ts'
import type { CatalogEntry } from './catalog.ts'
import { count } from './count.ts'
import { create } from './create.ts'
import { getAsApp } from './get.ts'
import { increment } from './increment.ts'
import { cancel, grantCredits, type JobSettings, later, progress } from './later.ts'
import { noSuchCollection, quote } from './problems.ts'
import { query } from './query.ts'
import { registerUser } from './register-user.ts'
import { remove } from './remove.ts'
import type { ToolRuntime } from './tool-runtime.ts'
import { isTransactionControl } from './transaction-control.ts'
import type { AnyCollections, PrivilegedTools, ReadTools, RegisterUserInput } from './types.ts'
import { update } from './update.ts'
import { allRecords } from './visible-records.ts'
import { deleteWhere, updateWhere } from './where-writes.ts'

/** Drizzle in `tools.sql`: bound to the attempt's transaction. */
export type AttemptDatabase = PgRemoteDatabase<Record<string, never>>

export interface OutboundSettings {
  readonly integrations: Integrations
  /** Undefined for a caller without a token. */
  readonly callerJwt: string | undefined
  readonly fingerprint: (value: unknown) => string
}

export interface ToolsOptions extends OutboundSettings {
  readonly jobs: JobSettings
}

type UntypedTools = PrivilegedTools<AnyCollections, AttemptDatabase, Record<string, never>>

/** Builds the tools of an attempt that only reads. */
export function createReadTools(runtime: ToolRuntime): ReadTools<AnyCollections, AttemptDatabase> {
  const on = <T>(
    tool: string,
    collection: string,
    recordId: unknown,
    body: (entry: CatalogEntry) => Promise<ActionResult<T>>,
  ) => onCollection(runtime, { tool, collection, recordId, writes: false }, body)
  return {
    get: (collection, recordId) =>
      on('get', collection, recordId, (entry) => getAsApp(runtime, entry, recordId)) as never,
    query: (collection, options) =>
      on('query', collection, undefined, (entry) => query(runtime, allRecords(entry), options)) as never,
    count: (collection, where) =>
      on('count', collection, undefined, (entry) => count(runtime, allRecords(entry), where)),
    sql: (run) => runtime.call({ tool: 'sql' }, () => runDrizzle(runtime, run)),
  }
}

/** Builds the tools of an attempt that may write and call out. */
export function createTools(runtime: ToolRuntime, options: ToolsOptions): UntypedTools {
  const on = <T>(
    tool: string,
    collection: string,
    recordId: unknown,
    body: (entry: CatalogEntry) => Promise<ActionResult<T>>,
  ) => onCollection(runtime, { tool, collection, recordId, writes: true }, body)
  // Named one by one: spreading an object of new functions costs more than making them.
  const reads = createReadTools(runtime)
  return {
    get: reads.get,
    query: reads.query,
    count: reads.count,
    sql: reads.sql,
    create: (collection: string, data: unknown, recordId?: string) =>
      on('create', collection, recordId, (entry) => create(runtime, entry, data, recordId)),
    update: (collection, recordId, patch, updateOptions) =>
      on('update', collection, recordId, (entry) => update(runtime, entry, recordId, patch, updateOptions)),
    remove: (collection, recordId) =>
      on('remove', collection, recordId, (entry) => remove(runtime, entry, recordId)),
    updateWhere: (collection, where, patch, limit) =>
      on('updateWhere', collection, undefined, (entry) => updateWhere(runtime, entry, where, patch, limit)),
    deleteWhere: (collection, where, limit) =>
      on('deleteWhere', collection, undefined, (entry) => deleteWhere(runtime, entry, where, limit)),
    increment: (collection, recordId, amounts) =>
      on('increment', collection, recordId, (entry) => increment(runtime, entry, recordId, amounts)),
    registerUser: (input?: RegisterUserInput) =>
      on('registerUser', 'users', input?.userId ?? runtime.userId, () =>
        registerUser(runtime, input),
      ) as never,
    integration: ((endpoint: string, data?: JsonValue) =>
      callIntegration(runtime, options, endpoint, data)) as never,
    enqueue: ((endpoint: string, data?: JsonValue) => enqueue(runtime, options, endpoint, data)) as never,
    once: (key, run) => once(runtime, key, run),
    later: (action, input, laterOptions) => later(runtime, options.jobs, action, input, laterOptions),
    cancel: (jobId) => cancel(runtime, jobId),
    progress: (told) => progress(runtime, options.jobs, told),
    grantCredits: (granted) => grantCredits(runtime, options.jobs, granted),
  }
}

interface CollectionCall {
  readonly tool: string
  readonly collection: string
  readonly recordId: unknown
  readonly writes: boolean
}

function onCollection<T>(
  runtime: ToolRuntime,
  call: CollectionCall,
  body: (entry: CatalogEntry) => Promise<ActionResult<T>>,
) {
  const { tool, collection, recordId, writes } = call
  const record = typeof recordId === 'string' ? `${collection}/${recordId}` : undefined
  return runtime.call<T>({ tool, record, collection, writes }, async () => {
    const entry = runtime.catalog.get(collection)
    return entry ? body(entry) : noSuchCollection(collection)
  })
}

async function runDrizzle<T>(
  runtime: ToolRuntime,
  run: (database: AttemptDatabase) => Promise<T>,
): Promise<ActionResult<T>> {
  runtime.ranSql()
  const database = drizzle(
    async (text, params, method) => {
      if (isTransactionControl(text))
        throw new Error('tools.sql runs inside the transaction of the call, which it may not end or alter')
      const { rows, columns } = await runtime.run({ sql: text, params, mayLeaveState: true })
      if (method !== 'execute') return { rows: rows.map((row) => [...row]) }
      return {
        rows: rows.map((row) => Object.fromEntries(columns.map((name, position) => [name, row[position]]))),
      }
    },
    { casing: 'snake_case' },
  )
  try {
    return ok(await run(database))
  } catch (error) {
    // Drizzle's own error quotes the statement and its values.
    throw error instanceof DrizzleQueryError && error.cause !== undefined ? error.cause : error
  }
}

/** Calls a provider, once for the invocation. */
export async function callIntegration(
  runtime: ToolRuntime,
  { integrations, callerJwt, fingerprint }: OutboundSettings,
  endpoint: string,
  data: JsonValue | undefined,
): Promise<ActionResult<JsonValue>> {
  const plan = planned(integrations, endpoint, data)
  if (!plan.success) return plan
  const call = plan.data
  if (call.needsCallerJwt && callerJwt === undefined)
    return fail(
      'PRECONDITION_FAILED',
      `"${call.name}" goes out with the caller's own token, and this runs without one.`,
    )
  try {
    const answer = await runtime.step({
      name: call.name,
      fingerprint: fingerprint(call.data),
      charge: call,
      async perform(effectId, isResent, traceHeaders) {
        const timeoutMs = runtime.remainingLifeMs
        const { result, ...rest } = await integrations.send(call, {
          callerJwt,
          idempotencyKey: effectId,
          isResent,
          timeoutMs,
          traceHeaders,
        })
        return { value: JSON.parse(JSON.stringify(result)), ...rest }
      },
    })
    return answer as ActionResult<JsonValue> // What `send` answered.
  } catch (error) {
    if (error instanceof FailureError) return error.failure
    throw error
  }
}

function planned(integrations: Integrations, endpoint: string, data: JsonValue | undefined) {
  return integrations.plan(typeof endpoint === 'string' ? endpoint : '', data)
}

const MAX_MESSAGES = 1_000

async function enqueue(
  runtime: ToolRuntime,
  { integrations }: ToolsOptions,
  endpoint: string,
  data: JsonValue | undefined,
): Promise<ActionResult<{ readonly messageId: string }>> {
  return runtime.call({ tool: 'enqueue', writes: true }, async () => {
    const plan = planned(integrations, endpoint, data)
    if (!plan.success) return plan
    const { name, needsCallerJwt } = plan.data
    if (needsCallerJwt) {
      return fail(
        'PRECONDITION_FAILED',
        `"${name}" goes out with the caller's own token, which is never stored, so it cannot be sent later; call it with tools.integration.`,
      )
    }
    if (runtime.queue.messages.length >= MAX_MESSAGES)
      return fail('PRECONDITION_FAILED', `One invocation may queue at most ${MAX_MESSAGES} messages.`)
    // The data as it was given: the schema parses it again when the message is sent.
    return ok({ messageId: runtime.queue.message(name, data ?? {}, plan.data) })
  })
}

async function once<T extends JsonValue | undefined>(
  runtime: ToolRuntime,
  key: string,
  run: () => Promise<T> | T,
): Promise<ActionResult<T>> {
  if (typeof key !== 'string' || !/^[\w.:~/-]{1,255}$/.test(key)) {
    return fail('BAD_REQUEST', 'The key of a once is 1 to 255 letters, digits and any of _ . : ~ / -')
  }
  try {
    const perform = async () => {
      const value = await runtime.runOnce(async () => run())
      const wrong = jsonProblem(value)
      if (wrong !== undefined)
        throw new TypeError(`What the function of tools.once(${quote(key)}) returns must be JSON: ${wrong}`)
      return { value, outcome: 'answered', cost: 0 } as const
    }
    const answer = await runtime.step({ name: `once:${key}`, fingerprint: '', perform })
    return ok(answer as T)
  } catch (error) {
    if (error instanceof FailureError) return error.failure
    throw error
  }
}
