import type { Logger } from 'pino'
import type { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import { type Failure, fail, type JsonValue, ok } from '../core/result.ts'
import { issuesOf } from '../wire/issues.ts'
import type { EndpointDeclaration } from './declarations.ts'
import type { OutboundResponse } from './exchange.ts'
import type { OutboundAnswer, OutboundCall } from './integrations.ts'
import { costOf } from './price.ts'

type Parsed =
  | { readonly success: true; readonly data: unknown }
  /** With what is logged. */
  | { readonly success: false; readonly why: Readonly<Record<string, unknown>> }
type Failed = Extract<OutboundResponse, { kind: 'failed' }>

/** Makes the answer of a call without a side effect, which costs nothing. */
export function answerWithoutEffect(result: Failure): OutboundAnswer {
  return { result, outcome: 'nothing', cost: 0 }
}

/** Adds to an answer the status that it came with, if any came. */
export function withStatus(answer: OutboundAnswer, { status }: OutboundResponse): OutboundAnswer {
  return status === undefined ? answer : { ...answer, status }
}

/** Makes the answer from a success's body, once it matches the declaration. */
export function answerOfSuccess(
  call: OutboundCall,
  declared: EndpointDeclaration | undefined,
  body: JsonValue,
  log: Logger,
): OutboundAnswer {
  const parsed = declared?.output ? parse(declared.output, body) : ok(body)
  // The provider has said that it did it.
  if (!parsed.success) {
    log.warn(
      { name: call.name, ...parsed.why },
      'An answer has another shape than the output of its endpoint',
    )
    return { ...unusable(call, 'another shape'), isTaken: true }
  }
  const cost =
    call.transport === 'direct' && declared
      ? costOf(
          { price: declared.price, reserve: call.reserve, output: parsed.data, input: inputOf(call) },
          log.child({ name: call.name }),
        )
      : 0
  return { result: ok(body), outcome: 'answered', cost }
}

/** Makes the answer of a failed request. One that was not sent costs nothing; one that may have worked is charged. */
export function answerOfFailure(call: OutboundCall, { reason, wasSent }: Failed): OutboundAnswer {
  // A redirect means that the provider did nothing.
  if (reason === 'redirect') return answerWithoutEffect(noUsableAnswer(call, reason))
  // Only a success has to be JSON.
  if (wasSent) return { ...unusable(call, reason), isTaken: reason === 'not JSON' }
  const shown = reason === 'not sent' ? 'unreachable' : reason
  return answerWithoutEffect(noUsableAnswer(call, shown, 'not sent'))
}

/** Returns a planned call's data as the declaration's functions take it. */
export function inputOf({ data }: OutboundCall): Readonly<Record<string, unknown>> {
  return isRecord(data) ? data : {}
}

function unusable(call: OutboundCall, reason: string): OutboundAnswer {
  return { result: noUsableAnswer(call, reason, 'unknown'), outcome: 'unknown', cost: call.reserve }
}

function noUsableAnswer({ name }: OutboundCall, reason: string, outcome?: 'not sent' | 'unknown'): Failure {
  return fail(
    reason === 'timeout' ? 'GATEWAY_TIMEOUT' : 'BAD_GATEWAY',
    `"${name}" gave no usable answer (${reason}).`,
    outcome ? { details: { outcome } } : {},
  )
}

/** Parses an answer. A transform of the app's schema may throw: then the answer has the wrong shape too. */
function parse(schema: z.ZodType, body: JsonValue): Parsed {
  try {
    const parsed = schema.safeParse(body)
    return parsed.success ? parsed : { success: false, why: { issues: issuesOf(parsed.error, schema) } }
  } catch (error) {
    return { success: false, why: { err: error } }
  }
}
