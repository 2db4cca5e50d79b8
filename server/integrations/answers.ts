import type { Logger } from 'pino'
import type { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import { type Failure, fail, type JsonValue, ok } from '../core/result.ts'
import { issuesOf } from '../wire/issues.ts'
import type { EndpointDeclaration } from './declare.ts'
import type { OutboundResponse } from './exchange.ts'
import type { Answer, OutboundCall } from './integrations.ts'
import { costOf } from './price.ts'

type Parsed =
  | { readonly success: true; readonly data: unknown }
  /** With what is logged of it. */
  | { readonly success: false; readonly why: Readonly<Record<string, unknown>> }
type Failed = Extract<OutboundResponse, { kind: 'failed' }>

/** A call that has done nothing out there, and so costs nothing. */
export function nothing(result: Failure): Answer {
  return { result, effect: 'nothing', cost: 0 }
}

/** A body that came with success, once it is what the declaration says. */
export function answered(
  call: OutboundCall,
  declared: EndpointDeclaration | undefined,
  body: JsonValue,
  log: Logger,
): Answer {
  const parsed = declared?.output ? parse(declared.output, body) : ok(body)
  // The provider has said that it did what it was asked.
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
  return { result: ok(body), effect: 'answered', cost }
}

/** No usable answer: what was not sent costs nothing; what may have been done is charged as if it were. */
export function failed(call: OutboundCall, { reason, wasSent }: Failed): Answer {
  // Who sends a caller elsewhere has not done what it was asked.
  if (reason === 'redirect') return nothing(noUsableAnswer(call, reason))
  // Only a success has to be JSON.
  if (wasSent) return { ...unusable(call, reason), isTaken: reason === 'not JSON' }
  const shown = reason === 'not sent' ? 'unreachable' : reason
  return nothing(noUsableAnswer(call, shown, 'not sent'))
}

/** What the data of a planned call is to the declaration's functions. */
export function inputOf({ data }: OutboundCall): Readonly<Record<string, unknown>> {
  return isRecord(data) ? data : {}
}

function unusable(call: OutboundCall, reason: string): Answer {
  return { result: noUsableAnswer(call, reason, 'unknown'), effect: 'unknown', cost: call.reserve }
}

function noUsableAnswer({ name }: OutboundCall, reason: string, outcome?: 'not sent' | 'unknown'): Failure {
  return fail(
    reason === 'timeout' ? 'GATEWAY_TIMEOUT' : 'BAD_GATEWAY',
    `"${name}" gave no usable answer (${reason}).`,
    outcome ? { details: { outcome } } : {},
  )
}

/** A schema of the app's may throw where it transforms; that is no answer of the right shape either. */
function parse(schema: z.ZodType, body: JsonValue): Parsed {
  try {
    const parsed = schema.safeParse(body)
    return parsed.success ? parsed : { success: false, why: { issues: issuesOf(parsed.error) } }
  } catch (error) {
    return { success: false, why: { err: error } }
  }
}
