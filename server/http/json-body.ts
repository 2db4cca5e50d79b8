import { type Failure, fail } from '../core/result.ts'
import { InvalidInput } from '../trpc/error-shape.ts'
import { parseJson } from '../wire/json.ts'
import type { Exchange } from './exchange.ts'
import { checkMediaType } from './media-type.ts'
import { readWholeBody } from './whole-body.ts'

export type JsonBody = { readonly value: unknown } | { readonly failure: Failure }

/** Reads a JSON body; an empty one is `{}`. Whether it can be stored and sent as it is, the call looks. */
export async function readJsonBody(exchange: Exchange): Promise<JsonBody> {
  const body = await readWholeBody(exchange)
  const mediaProblem = checkMediaType(exchange, body.byteLength === 0)
  if (mediaProblem) return { failure: mediaProblem }
  const json = parseJson(body)
  return json.ok ? { value: json.value } : { failure: badInput(new InvalidInput([json.issue])) }
}

export function badInput(error: InvalidInput): Failure {
  return fail('BAD_REQUEST', error.message, { issues: error.issues })
}
