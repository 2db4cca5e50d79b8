import { knownActor } from '../auth/authentication.ts'
import { type ActionResult, type Failure, fail } from '../core/result.ts'
import { RECORDS_PREFIX } from '../routers/records.ts'
import { noSuchCollection } from '../tools/no-such-collection.ts'
import type { Callables } from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import { callProcedure, type JsonBody, type RestRequest, readJsonBody } from './call-procedure.ts'
import { readList } from './list-parameters.ts'
import { numberOrText, readQueryString } from './query-string.ts'

/** A verb of the data API and its input; or the failure that kept it from being read. */
type Reading =
  | { readonly verb: string; readonly input: unknown }
  | { readonly failure: Failure; readonly allow?: string }

export interface RecordsAnswer {
  readonly result: ActionResult<unknown>
  /** The methods that the address takes, when it was called with another. */
  readonly allow?: string | undefined
}

export type CallRecords = (ctx: RequestContext, path: string, request: RestRequest) => Promise<RecordsAnswer>

/**
 * Exposes the data API as the caller at `/api/records/:collection` and `/api/records/:collection/:id`; `path` is
 * what follows `/api/records/`, still encoded.
 */
export function createRecordsEndpoint(callables: Callables): CallRecords {
  return async (ctx, path, request) => {
    const caller = knownActor(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    const [collection, recordId, ...more] = decodeSegments(path)
    if (!collection || recordId === '' || more.length > 0)
      return { result: fail('NOT_FOUND', 'There is nothing at this address.') }
    const entry = ctx.engine.catalog.get(collection)
    if (!entry) return { result: noSuchCollection(collection) }
    const call =
      recordId === undefined ? await readCollectionCall(request) : await readRecordCall(recordId, request)
    if ('failure' in call) return { result: call.failure, allow: call.allow }
    const { verb, input } = call
    const procedure = `${RECORDS_PREFIX}${entry.name}.${verb}`
    return { result: await callProcedure({ callables, path: procedure, ctx, input }) }
  }
}

async function readCollectionCall(request: RestRequest): Promise<Reading> {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return reading('list', readList(new URL(request.url).search))
    case 'POST':
      return withData(request, [], (data) => ({ verb: 'create', input: { data } }))
    default:
      return wrongMethod('GET, POST')
  }
}

async function readRecordCall(recordId: string, request: RestRequest): Promise<Reading> {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return withoutBody(request, { verb: 'get', input: { recordId } })
    case 'DELETE':
      return withoutBody(request, { verb: 'remove', input: { recordId } })
    case 'PUT':
      return withData(request, [], (data) => ({
        verb: 'create',

        input: { data, recordId },
      }))
    case 'PATCH':
      return withData(request, ['ifVersion'], (patch, parameters) => {
        const ifVersion = numberOrText(parameters.get('ifVersion'))
        const input = { recordId, patch, ...(ifVersion === undefined ? {} : { ifVersion }) }
        return { verb: 'update', input }
      })
    default:
      return wrongMethod('GET, PUT, PATCH, DELETE')
  }
}

/** Reads what is written: the data or the patch itself is the body. */
async function withData(
  request: RestRequest,
  known: readonly string[],
  build: (data: unknown, parameters: ReadonlyMap<string, string>) => Reading,
): Promise<Reading> {
  const read = readQueryString(new URL(request.url).search, known)
  if ('failure' in read) return read
  const body = await readJsonBody(request)
  if ('failure' in body) return body
  return build(body.value, read.values)
}

async function withoutBody(request: RestRequest, reading: Reading): Promise<Reading> {
  const read = readQueryString(new URL(request.url).search, [])
  if ('failure' in read) return read
  if (request.body !== null && (await request.arrayBuffer()).byteLength > 0)
    return { failure: fail('BAD_REQUEST', `${request.method} takes no body here.`) }
  return reading
}

function reading(verb: string, read: JsonBody): Reading {
  return 'failure' in read ? read : { verb, input: read.value }
}

function wrongMethod(allow: string): Reading {
  return { failure: fail('METHOD_NOT_SUPPORTED', `This address takes ${allow}.`), allow }
}

/** The segments of a path; none when one of them is not percent-encoded UTF-8. */
function decodeSegments(path: string): string[] {
  try {
    return path.split('/').map(decodeURIComponent)
  } catch {
    return []
  }
}
