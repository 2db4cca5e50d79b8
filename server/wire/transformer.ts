import { SuperJSON } from 'superjson'
import type { IssueInfo } from '../core/result.ts'
import { checkEnvelope } from './envelope.ts'
import { type Envelope, serialize } from './serialize.ts'

// An own instance: whatever other code registers on superjson's shared one stays out of here.
const superjson = new SuperJSON()

/** Stands in for an input that must not be read. The procedure answers BAD_REQUEST with its issue. */
export class UnacceptableInput {
  readonly issue: IssueInfo

  constructor(issue: IssueInfo) {
    this.issue = issue
  }
}

/**
 * tRPC's data transformer: superjson, restricted to dates, bigints, undefined and -0. What it refuses comes
 * out as an UnacceptableInput, because a throw here would fail every other call of the same batch.
 */
export const transformer = {
  serialize(value: unknown): Envelope {
    return serialize(value)
  },

  /** Changes `wire`, which tRPC has just parsed and hands to no one else: a copy would recurse without a bound. */
  deserialize(wire: unknown): unknown {
    const checked = checkEnvelope(wire)
    if (!checked.ok) return new UnacceptableInput(checked.issue)
    const { envelope } = checked
    return envelope.meta ? superjson.deserialize<unknown>(envelope, { inPlace: true }) : envelope.json
  },
}
