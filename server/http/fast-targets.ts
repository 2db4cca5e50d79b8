import { getTRPCErrorFromUnknown } from '@trpc/server'
import { type ActionDefinition, actionDefinition } from '../builders/action.ts'
import { isRecord } from '../core/is-record.ts'
import type { Failure } from '../core/result.ts'
import type { Actions } from '../routers/registry.ts'
import type { RequestContext } from '../trpc/context.ts'
import { httpStatusOf, toFailure } from '../trpc/error-shape.ts'
import { ACTIONS_PREFIX, errorShape } from '../trpc/init.ts'
import { decodeUtf8 } from '../wire/json.ts'
import { findOversize } from '../wire/json-size.ts'
import { transformer } from '../wire/transformer.ts'
import { ACTIONS_PATH, callByJson } from './actions.ts'
import { logUnexpected, type RestRequest, readJson } from './call-procedure.ts'
import type { FastTarget, PlainRequest } from './fast-path.ts'
import { withReplayed } from './idempotency-header.ts'
import type { CallRecords } from './records.ts'
import { answerOf, type HttpAnswer } from './respond.ts'
import { MAX_BATCH_SIZE, TRPC_PATH, trpcHeaders } from './trpc-endpoint.ts'

interface Callable {
  readonly name: string
  readonly definition: ActionDefinition
}

const BATCH = '?batch=1'

/** An address that has nothing to decode. */
const RECORDS = /^\/api\/records\/(\w[\w-]*(?:\/\w[\w-]*)?)(?:\?|$)/

/** Finds what the fast path answers: actions over REST, those that write over tRPC, and reads of records. */
export function createFastTargets(
  actions: Actions,
  callRecords: CallRecords,
): (method: string, url: string) => FastTarget | undefined {
  const single = new Map<string, FastTarget>()
  const byPath = new Map<string, Callable>()
  for (const [name, action] of Object.entries(actions)) {
    const definition = actionDefinition(action)
    if (!definition) continue
    const callable = { name, definition }
    single.set(ACTIONS_PATH + name, restTarget(callable))
    // A query comes by GET, or by POST with a method override.
    if (definition.kind !== 'mutation') continue
    byPath.set(ACTIONS_PREFIX + name, callable)
    single.set(`${TRPC_PATH}/${ACTIONS_PREFIX}${name}`, trpcTarget([callable], false))
  }
  return (method, url) => {
    if (method === 'GET') {
      const path = RECORDS.exec(url)?.[1]
      return path === undefined ? undefined : recordsTarget(callRecords, path, url)
    }
    const known = single.get(url)
    if (known || !url.startsWith(`${TRPC_PATH}/`) || !url.endsWith(BATCH)) return known
    const paths = url.slice(TRPC_PATH.length + 1, -BATCH.length).split(',')
    const calls = paths.map((path) => byPath.get(path))
    return calls.length <= MAX_BATCH_SIZE && calls.every((call) => call !== undefined)
      ? trpcTarget(calls, true)
      : undefined
  }
}

function restTarget(callable: Callable): FastTarget {
  return {
    transport: 'rest',
    pages: 0,
    takesKeys: () => true,
    async answer({ ctx, body }) {
      const result = await callByJson(ctx, callable, readJson(body))
      return withReplayed(answerOf(result, ctx.requestId), ctx)
    },
  }
}

function recordsTarget(callRecords: CallRecords, path: string, url: string): FastTarget {
  return {
    transport: 'rest',
    pages: 1,
    takesKeys: () => true,
    async answer({ ctx }) {
      const { result } = await callRecords(ctx, path, getRequest(url))
      return answerOf(result, ctx.requestId)
    },
  }
}

const NO_HEADERS = new Headers()

function getRequest(url: string): RestRequest {
  return {
    method: 'GET',
    url: `http://localhost${url}`,
    headers: NO_HEADERS,
    body: null,
    arrayBuffer: async () => new ArrayBuffer(0),
  }
}

function trpcTarget(calls: readonly Callable[], isBatch: boolean): FastTarget {
  return {
    transport: 'trpc',
    pages: 0,
    // A slot too few or too many would give a call the key of another.
    takesKeys: (slots) => slots === 0 || slots === calls.length,
    answer(request) {
      const inputs = readInputs(request.body, calls.length, isBatch)
      return inputs && answerCalls(request, calls, inputs, isBatch)
    },
  }
}

/** What each call is given, as it was sent; undefined for a body that is not as it should be. */
function readInputs(body: Uint8Array, calls: number, isBatch: boolean): readonly unknown[] | undefined {
  const text = decodeUtf8(body)
  if (text === undefined || findOversize(body)) return undefined
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isBatch) return [json]
  if (!isRecord(json)) return undefined
  const record = json
  const inputs = Array.from({ length: calls }, (_, position) =>
    Object.hasOwn(record, position) ? record[position] : undefined,
  )
  return inputs.includes(undefined) ? undefined : inputs
}

/** An answer of one call, before it is serialized: tRPC's `result`, or the failure that stands in for it. */
type CallAnswer = { readonly data: unknown } | { readonly failure: Failure }

async function answerCalls(
  { ctx }: PlainRequest,
  calls: readonly Callable[],
  inputs: readonly unknown[],
  isBatch: boolean,
): Promise<HttpAnswer> {
  const answers = await Promise.all(
    calls.map((callable, position) => answerCall(ctx, callable, position, inputs[position])),
  )
  try {
    const lines = answers.map((answer) =>
      'data' in answer ? success(answer.data) : failed(answer.failure, ctx),
    )
    const failures = answers.flatMap((answer) => ('failure' in answer ? [answer.failure] : []))
    return {
      status: statusOf(answers),
      headers: trpcHeaders(ctx, failures),
      body: isBatch ? `[${lines.join(',')}]` : (lines[0] ?? ''),
    }
  } catch (error) {
    const refused = getTRPCErrorFromUnknown(error)
    logUnexpected(ctx, refused)
    const failure = toFailure(refused)
    return {
      status: httpStatusOf(failure),
      headers: trpcHeaders(ctx, [failure]),
      body: failed(failure, ctx),
    }
  }
}

async function answerCall(
  ctx: RequestContext,
  { name, definition }: Callable,
  batchIndex: number,
  wire: unknown,
): Promise<CallAnswer> {
  try {
    const readInput = () => transformer.deserialize(wire)
    return { data: await definition.call({ ctx, path: ACTIONS_PREFIX + name, batchIndex, readInput }) }
  } catch (error) {
    const refused = getTRPCErrorFromUnknown(error)
    logUnexpected(ctx, refused)
    return { failure: toFailure(refused) }
  }
}

function success(data: unknown): string {
  return `{"result":{"data":${JSON.stringify(transformer.serialize(data))}}}`
}

function failed(failure: Failure, { requestId }: RequestContext): string {
  return `{"error":${JSON.stringify(transformer.serialize(errorShape(failure, requestId)))}}`
}

/** The status that all calls came to; 207 (RFC 4918 §11.1) where they differ. */
function statusOf(answers: readonly CallAnswer[]): number {
  const statuses = new Set(
    answers.map((answer) => ('failure' in answer ? httpStatusOf(answer.failure) : 200)),
  )
  const [status = 200] = statuses
  return statuses.size === 1 ? status : 207
}
