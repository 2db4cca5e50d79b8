import { SuperJSON, type SuperJSONResult } from 'superjson'
import { isRecord } from '../core/is-record.ts'
import type { IssueInfo } from '../core/result.ts'
import { checkEnvelope } from './envelope.ts'
import { assertSendable } from './plain-data.ts'
import { isoText } from './scalars.ts'

type Annotation = readonly ['Date' | 'bigint' | 'undefined' | 'number']
interface AnnotationTree {
  [escapedKey: string]: Annotation | AnnotationTree
}

/** An answer as superjson's clients read it. */
export interface Envelope {
  readonly json: unknown
  readonly meta?: { readonly values: Annotation | AnnotationTree; readonly v: 1 }
}

interface Encoded {
  readonly json: unknown
  readonly values?: Annotation | AnnotationTree
}

/**
 * Writes an answer in superjson's format, version 1: dates, bigints, undefined and -0 are annotated. Throws
 * for anything else that JSON cannot carry. It stands in for `superjson.serialize`, which throws for a key
 * named `constructor` when the action has long been committed, turns a cycle into null, sends the insides of
 * Error and Map, and takes several times as long.
 */
function serialize(value: unknown): Envelope {
  assertSendable(value)
  const { json, values } = encode(value)
  return values ? { json, meta: { values, v: 1 } } : { json }
}

function encode(value: unknown): Encoded {
  if (value === undefined) return { json: null, values: ['undefined'] }
  if (typeof value === 'bigint') return { json: String(value), values: ['bigint'] }
  if (value instanceof Date) return { json: isoText(value), values: ['Date'] }
  if (Object.is(value, -0)) return { json: '-0', values: ['number'] }
  if (Array.isArray(value)) return encodeArray(value)
  if (isRecord(value)) return encodeRecord(value)
  return { json: value }
}

function encodeArray(list: readonly unknown[]): Encoded {
  const json: unknown[] = []
  let tree: AnnotationTree | undefined
  for (let index = 0; index < list.length; index++) {
    const item = encode(list[index])
    json.push(item.json)
    if (!item.values) continue
    tree ??= {}
    tree[index] = item.values
  }
  return tree ? { json, values: tree } : { json }
}

function encodeRecord(record: Record<string, unknown>): Encoded {
  const json: Record<string, unknown> = {}
  let tree: AnnotationTree | undefined
  for (const key of Object.keys(record)) {
    const item = encode(record[key])
    json[key] = item.json
    if (!item.values) continue
    tree ??= {}
    tree[annotationKey(key)] = item.values
  }
  return tree ? { json, values: tree } : { json }
}

function annotationKey(key: string): string {
  // superjson refuses these in a path, so its client could not read the answer.
  if (key === 'constructor' || key === 'prototype') {
    throw new Error(
      `The answer cannot be sent: no date, bigint or undefined may stand under the key "${key}".`,
    )
  }
  return key.replaceAll('\\', '\\\\').replaceAll('.', '\\.')
}

// An own instance: whatever other code registers on superjson's shared one stays out of here.
const superjson = new SuperJSON()

/** Writes an answer as text that gives back the same answer, dates and bigints included. */
export function toStored(value: unknown): string {
  return JSON.stringify(serialize(value))
}

/** Reads what `toStored` wrote; nothing else may come here. */
export function fromStored(text: string): unknown {
  const wire: SuperJSONResult = JSON.parse(text)
  return superjson.deserialize(wire)
}

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
