import { knownActor } from '../auth/authentication.ts'
import { type Failure, fail } from '../core/result.ts'
import { RECORDS_PREFIX } from '../routers/records.ts'
import { noSuchCollection } from '../tools/problems.ts'
import type { Callables } from '../trpc/callable.ts'
import type { Endpoint, EngineRequest } from './endpoint.ts'
import { asksForEvents } from './event-stream.ts'
import {
  type JsonBody,
  numberOrText,
  readJsonBody,
  readList,
  readQueryString,
  readWholeBody,
} from './request-input.ts'
import { NOTHING_HERE } from './respond.ts'
import { callOnce, restEndpoint } from './rest-endpoints.ts'

/** A verb of the data API and its input; or the failure that kept it from being read. */
type Reading =
  | { readonly verb: string; readonly input: unknown }
  | { readonly failure: Failure; readonly allow?: string }

/** The streams that show what the reading verbs answer. */
const LIVE: ReadonlyMap<string, string> = new Map([
  ['list', 'live'],
  ['get', 'liveRecord'],
])

/** Exposes the data API as the caller at `/api/records/:collection` and `/api/records/:collection/:id`. */
export function createRecordsEndpoint(callables: Callables): Endpoint {
  return restEndpoint(true, async (request) => {
    const { ctx } = request
    const caller = knownActor(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    const [collection, recordId, ...more] = decodeSegments(request.path.slice(1))
    if (!collection || recordId === '' || more.length > 0) return { result: NOTHING_HERE }
    const entry = ctx.engine.catalog.get(collection)
    if (!entry) return { result: noSuchCollection(collection) }
    const call =
      recordId === undefined ? await readCollectionCall(request) : await readRecordCall(recordId, request)
    if ('failure' in call) return { result: call.failure, allow: call.allow }
    const { method } = request.exchange
    const verb = method === 'GET' && asksForEvents(request.exchange) ? LIVE.get(call.verb) : undefined
    const path = `${RECORDS_PREFIX}${entry.name}.${verb ?? call.verb}`
    const result = await callOnce(callables.get(path), { ctx, path, readInput: () => call.input })
    return { result, isStream: verb !== undefined }
  })
}

async function readCollectionCall(request: EngineRequest): Promise<Reading> {
  switch (request.exchange.method) {
    case 'GET':
    case 'HEAD':
      return reading('list', readList(request.search))
    case 'POST':
      return withData(request, [], (data) => ({ verb: 'create', input: { data } }))
    default:
      return wrongMethod('GET, POST')
  }
}

async function readRecordCall(recordId: string, request: EngineRequest): Promise<Reading> {
  switch (request.exchange.method) {
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
  request: EngineRequest,
  known: readonly string[],
  build: (data: unknown, parameters: ReadonlyMap<string, string>) => Reading,
): Promise<Reading> {
  const read = readQueryString(request.search, known)
  if ('failure' in read) return read
  const body = await readJsonBody(request.exchange)
  if ('failure' in body) return body
  return build(body.value, read.values)
}

async function withoutBody(request: EngineRequest, reading: Reading): Promise<Reading> {
  const read = readQueryString(request.search, [])
  if ('failure' in read) return read
  if ((await readWholeBody(request.exchange)).byteLength > 0)
    return { failure: fail('BAD_REQUEST', `${request.exchange.method} takes no body here.`) }
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
