// tRPC's envelope for JSON: what its own adapter does with plain calls and batches, without the web's types.

import { getTRPCErrorFromUnknown } from '@trpc/server'
import { isRecord } from '../core/is-record.ts'
import type { Failure } from '../core/result.ts'
import { transformer } from '../wire/serialize.ts'
import { type CallAnswer, type Callable, type Callables, callProcedure, logUnexpected } from './callable.ts'
import type { RequestContext } from './context.ts'
import { httpStatusOf, toFailure } from './error-shape.ts'
import { errorShape } from './init.ts'

export const MAX_BATCH_SIZE = 10
const BATCH = '?batch=1'
/** Stands for what is no JSON. */
const INVALID = Symbol('invalid')

/** A request as tRPC's clients send it. */
export interface JsonRequest {
  readonly method: string
  /** What follows the endpoint: the path of a procedure, or those of a batch between commas. */
  readonly paths: string
  readonly search: string
  /** The body of a POST. */
  readonly text: string | undefined
}

/** One call of a request, and what it is given as it was sent. */
interface JsonCall {
  readonly path: string
  readonly procedure: Callable
  readonly wire: unknown
}

/** The calls of one request. */
export interface JsonCalls {
  readonly calls: readonly JsonCall[]
  readonly isBatch: boolean
}

/** What all calls came to. */
export interface JsonAnswer {
  readonly status: number
  readonly failures: readonly Failure[]
  readonly body: string
}

/** Reads calls of procedures that are there; undefined for whatever else a request is. */
export function readJsonCalls(callables: Callables, request: JsonRequest): JsonCalls | undefined {
  const parameters = readParameters(request)
  if (!parameters) return undefined
  const { isBatch, input } = parameters
  const inputs = parseInputs(input)
  if (inputs === INVALID || (isBatch && inputs !== undefined && !isRecord(inputs))) return undefined
  const paths = isBatch ? request.paths.split(',') : [request.paths]
  if (paths.length > MAX_BATCH_SIZE) return undefined
  const calls: JsonCall[] = []
  for (const [position, path] of paths.entries()) {
    const procedure = callables.get(path)
    if (!procedure || !isTaken(procedure, request.method)) return undefined
    // Calls that read and calls that write go in requests of their own.
    if (procedure.kind !== (calls[0]?.procedure ?? procedure).kind) return undefined
    if (procedure.kind === 'subscription') return undefined
    calls.push({ path, procedure, wire: isBatch ? memberOf(inputs, position) : inputs })
  }
  return { calls, isBatch }
}

/** Runs the calls of a request beside each other, and writes what came of them. */
export async function answerJsonCalls(
  ctx: RequestContext,
  { calls, isBatch }: JsonCalls,
): Promise<JsonAnswer> {
  const answers = await Promise.all(
    calls.map(({ path, procedure, wire }, batchIndex) =>
      callProcedure(procedure, {
        ctx,
        path,
        batchIndex,
        readInput: () => (wire === undefined ? undefined : transformer.deserialize(wire)),
      }),
    ),
  )
  try {
    const members = answers.map((answer) => write(answer, ctx))
    return {
      status: statusOf(answers),
      failures: answers.flatMap((answer) => ('failure' in answer ? [answer.failure] : [])),
      body: isBatch ? `[${members.join(',')}]` : (members[0] ?? ''),
    }
  } catch (error) {
    // An answer that cannot be sent is the failure of all of them.
    const refused = getTRPCErrorFromUnknown(error)
    logUnexpected(ctx, refused)
    const failure = toFailure(refused)
    return { status: httpStatusOf(failure), failures: [failure], body: write({ failure }, ctx) }
  }
}

/** Where the inputs of a request are; undefined where its address says more than that. */
function readParameters({
  method,
  search,
  text,
}: JsonRequest): { readonly isBatch: boolean; readonly input: string | undefined } | undefined {
  if (method === 'POST') {
    // Versions of tRPC differ in what they make of an empty body.
    if ((search !== '' && search !== BATCH) || text === '') return undefined
    return { isBatch: search === BATCH, input: text }
  }
  if (method !== 'GET') return undefined
  const parameters = new URLSearchParams(search)
  const input = parameters.get('input') ?? undefined
  const batch = parameters.get('batch') ?? undefined
  const known = Number(input !== undefined) + Number(batch !== undefined)
  if (parameters.size !== known || (batch !== undefined && batch !== '1')) return undefined
  return { isBatch: batch !== undefined, input }
}

function parseInputs(text: string | undefined): unknown {
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return INVALID
  }
}

function memberOf(inputs: unknown, position: number): unknown {
  return isRecord(inputs) && Object.hasOwn(inputs, position) ? inputs[position] : undefined
}

function isTaken({ kind }: Callable, method: string): boolean {
  // A query whose input is too long for an address comes by POST.
  return kind === 'query' || method === 'POST'
}

function write(answer: CallAnswer, { requestId }: RequestContext): string {
  return 'data' in answer
    ? `{"result":{"data":${JSON.stringify(transformer.serialize(answer.data))}}}`
    : `{"error":${JSON.stringify(transformer.serialize(errorShape(answer.failure, requestId)))}}`
}

/** The status that all calls came to; 207 (RFC 4918 §11.1) where they differ. */
function statusOf(answers: readonly CallAnswer[]): number {
  const statuses = new Set(
    answers.map((answer) => ('failure' in answer ? httpStatusOf(answer.failure) : 200)),
  )
  const [status = 200] = statuses
  return statuses.size === 1 ? status : 207
}
