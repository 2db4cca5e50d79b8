import type { z } from 'zod'
import type { ErrorCode } from '../core/errors.ts'
import { isRecord } from '../core/is-record.ts'
import type { JsonObject } from '../core/result.ts'
import type { CatalogEntry } from '../tools/catalog.ts'
import type { Callables } from '../trpc/callable.ts'
import { jsonSchemaOf } from '../wire/json-schema.ts'
import { ANSWERS } from './answers.ts'
import { type Components, reference } from './components.ts'
import { jsonParameter, operation, pathParameter, queryParameter } from './operation.ts'
import { listParameters, pageOf } from './records.ts'

/** A procedure of the engine's at an address over REST. */
export interface RestRoute {
  readonly method: 'GET' | 'POST'
  /** With `{id}` for a segment that is the input's `id`. */
  readonly address: string
  readonly procedure: string
  /** What is read from the query string: these of the input, or the options of a list of records. @default nothing */
  readonly parameters?: readonly string[] | 'list'
}

/** What each procedure does, as a reader is told. */
const SUMMARIES: Readonly<Record<string, string>> = {
  'audit.list': 'Lists entries of the audit log, for the owner and admins',
  'audit.get': 'Gets an entry of the audit log with its steps, its log and its job, for the owner and admins',
  'audit.erase': 'Removes what is personal in a user’s entries, for the owner',
  'audit.prune': 'Removes old entries of the audit log, for the owner',
  'calls.totals':
    'Says how often each action was called, with what outcome, and how long it took, for the owner and admins',
  'calls.written': 'Says what each action has written, for the owner and admins',
  'credits.balance': 'Says what an account has',
  'credits.balances': 'Lists what all accounts have, for the owner',
  'credits.budgets': 'Lists how much of the budgets a day has used, for the owner',
  'credits.spending': 'Sums up what was spent by action, integration or user, for the owner',
  'credits.statement': 'Lists the changes of an account',
  'credits.grant': 'Gives an account credits, for the owner',
  'data.list': 'Lists records past every access rule, for the owner',
  'data.get': 'Gets a record past every access rule, for the owner',
  'jobs.list': 'Lists jobs, for the owner',
  'jobs.get': 'Gets a job, for the owner',
  'jobs.retry': 'Has a job run now, for the owner',
  'jobs.cancel': 'Cancels a job for good, for the owner',
  'outbox.list': 'Lists messages that have not arrived, for the owner',
  'outbox.retry': 'Has a message sent now, for the owner',
  'outbox.drop': 'Gives a message up for good, for the owner',
  'schedules.list': 'Lists what the app does on its own, for the owner',
  'schedules.pause': 'Pauses a schedule, for the owner',
  'schedules.resume': 'Resumes a schedule, for the owner',
  'schedules.runNow': 'Queues a job of a schedule at once, for the owner',
  'status.findings': 'Says what is wrong with what the server needs, and what to do, for the owner',
  'status.get': 'Says how the server and its database are, for the owner and admins',
  'users.list': 'Lists users that the caller may read',
  'users.me': 'Says who the caller is to the app',
  'users.register': 'Writes the caller’s row from the claims of their token',
  'users.setBlocked': 'Refuses all calls of a user, or takes them again, for admins',
  'users.setRole': 'Sets a user’s role, for admins',
}

/** What each fails with that others do not. */
const OWN_FAILURES: Readonly<Record<string, readonly ErrorCode[]>> = {
  'audit.get': ['NOT_FOUND'],
  'audit.erase': ['PRECONDITION_FAILED'],
  'audit.prune': ['PRECONDITION_FAILED'],
  'data.list': ['NOT_FOUND'],
  'data.get': ['NOT_FOUND'],
  'jobs.get': ['NOT_FOUND'],
  'jobs.retry': ['NOT_FOUND'],
  'jobs.cancel': ['NOT_FOUND'],
  'outbox.retry': ['NOT_FOUND'],
  'outbox.drop': ['NOT_FOUND'],
  'schedules.pause': ['NOT_FOUND'],
  'schedules.resume': ['NOT_FOUND'],
  'schedules.runNow': ['NOT_FOUND'],
}

interface ProcedureParts {
  readonly components: Components
  readonly callables: Callables
  readonly users: CatalogEntry
}

/** Writes the paths of the engine's own procedures: each input as it is parsed, and each answer as its type has it. */
export function procedurePaths(routes: readonly RestRoute[], parts: ProcedureParts): JsonObject {
  const paths: Record<string, JsonObject> = {}
  for (const route of routes) {
    const method = route.method.toLowerCase()
    paths[route.address] = { ...paths[route.address], [method]: procedureOperation(route, parts) }
  }
  return paths
}

function procedureOperation(route: RestRoute, { components, callables, users }: ProcedureParts): JsonObject {
  const { procedure, method, address } = route
  const callable = callables.get(procedure)
  if (!callable) throw new Error(`There is no procedure ${procedure}`)
  const { schema: input } = jsonSchemaOf(callable.schema, 'input')
  const [group = ''] = procedure.split('.')
  const pathId = address.includes('{id}') ? [pathParameter('id', 'Its id.')] : []
  const queried =
    route.parameters === 'list'
      ? listParameters(users, reference('where.users'))
      : (route.parameters ?? []).map((name) => parameterOf(name, input))
  return operation({
    id: procedure,
    tags: [group],
    summary: SUMMARIES[procedure] ?? procedure,
    parameters: [...pathId, ...queried],
    body: method === 'POST' ? bodyOf(components, procedure, callable.schema) : undefined,
    data: dataOf(components, procedure),
    own: OWN_FAILURES[procedure],
    usesRecords: group === 'users',
    key: callable.kind === 'query' ? 'no' : procedure === 'credits.grant' ? 'needed' : 'taken',
  })
}

function bodyOf(components: Components, procedure: string, schema: z.ZodType) {
  const isRequired = !schema.safeParse({}).success
  return {
    schema: components.describe(`input.${procedure}`, schema, 'input', `the input of ${procedure}`),
    isRequired,
  }
}

function parameterOf(name: string, input: JsonObject): JsonObject {
  const properties = isRecord(input.properties) ? (input.properties as JsonObject) : {}
  const schema = (properties[name] ?? {}) as JsonObject
  if (name === 'where') return jsonParameter(name, { type: 'object' })
  const required = Array.isArray(input.required) && input.required.includes(name)
  return queryParameter(name, withoutNull(schema), required)
}

/** Text cannot be null. */
function withoutNull(schema: JsonObject): JsonObject {
  if (!Array.isArray(schema.anyOf)) return schema
  const others = (schema.anyOf as JsonObject[]).filter(({ type }) => type !== 'null')
  return others.length === 1 ? { ...others[0] } : schema
}

function dataOf(components: Components, procedure: string): JsonObject {
  const user = reference('record.users')
  const closed = (properties: JsonObject, required = Object.keys(properties)): JsonObject => ({
    type: 'object',
    properties,
    required,
    additionalProperties: false,
  })
  switch (procedure) {
    case 'users.list': {
      const record = components.schemas['record.users'] as JsonObject
      const properties = { ...(record.properties as JsonObject), isBlocked: { type: 'boolean' } }
      return pageOf(components.add('listedUser', { ...record, properties }))
    }
    case 'users.me':
      return closed({
        userId: { type: 'string' },
        role: { type: 'string' },
        isOwner: { type: 'boolean' },
        user: { anyOf: [user, { type: 'null' }] },
      })
    case 'users.register':
      return closed({ user })
    default: {
      const schema = ANSWERS.get(procedure)
      if (!schema) throw new Error(`It is not said what ${procedure} answers with`)
      return components.describe(`output.${procedure}`, schema, 'output', `the output of ${procedure}`)
    }
  }
}
